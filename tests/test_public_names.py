"""The names people import, where they import them from.

`DOCUMENTED` is a promise: entries are only ever added. What a package exports beyond it stands in `ADDED`, so that
nothing becomes public by accident.
"""

from importlib import import_module
from importlib.metadata import version
from types import ModuleType

import pytest

F, C, D = "agent_runtime_framework", "agent_runtime_core", "django_agent_runtime"

CONFIG = "FrameworkConfig configure get_config is_debug set_config should_swallow_exceptions"
STATE = "BaseJourneyState StateSerializer"
TOOLS = "BaseJourneyTools ToolParameter ToolResult ToolSchema ToolSchemaBuilder"
AGENTS = "AgentContext AgentMessage AgentResult JourneyAgent JourneyConfig"
EXECUTOR = """CallableToolExecutor CompositeHooks Executor ExecutorConfig ExecutorHooks LLMExecutor LLMExecutorConfig
    LoggingHooks MethodToolExecutor ToolExecutor"""
MEMORY = """ConversationStore InMemoryStore MemoryContext MemoryManager MemoryStore StateStore build_memory_context"""
PROMPTS = "PromptManager PromptTemplate StepPromptMapping"
ROUTER = "IntentDetector IntentRouter RouteDefinition"
INTERFACES = """AgentRuntime ErrorInfo EventType EventVisibility LLMClient LLMResponse LLMStreamChunk LLMToolCall
    Message RunContext RunResult Tool ToolDefinition ToolRegistry TraceSink"""
REGISTRY = "clear_registry get_runtime list_runtimes register_runtime unregister_runtime"
CORE_TOOLS = "ToolParameter ToolSchema ToolSchemaBuilder schemas_to_openai_format"
DOUBLES = """LLMEvaluator MockLLMClient MockLLMResponse MockRunContext create_test_context run_agent_test"""
STEPS = """ExecutionState Step StepCancelledError StepExecutionError StepExecutor StepResult StepStatus"""
LLM = """DEFAULT_MODEL SUPPORTED_MODELS AnthropicConfigurationError LLMClient LLMResponse LLMStreamChunk ModelInfo
    OpenAIConfigurationError get_llm_client get_llm_client_for_model get_model_info get_provider_for_model
    list_models_for_ui"""

DOCUMENTED = {
    F: f"__version__ {CONFIG} {STATE} {TOOLS} {AGENTS} {EXECUTOR} {MEMORY} {PROMPTS} {ROUTER}",
    f"{F}.config": CONFIG,
    f"{F}.state": f"{STATE} BaseState",
    f"{F}.state.base": f"{STATE} BaseState",
    f"{F}.tools": f"{TOOLS} BaseTool",
    f"{F}.tools.base": "BaseJourneyTools BaseTool StateChangeCallback ToolResult",
    f"{F}.tools.schema": "ToolParameter ToolSchema ToolSchemaBuilder schemas_to_openai_format",
    f"{F}.agents": f"{AGENTS} BaseAgent",
    f"{F}.agents.base": "AgentContext AgentMessage AgentResult BaseAgent LLMClient",
    f"{F}.agents.journey": "JourneyAgent JourneyConfig",
    f"{F}.executor": f"{EXECUTOR} ExecutionResult",
    f"{F}.executor.loop": """CallableToolExecutor ExecutionResult Executor ExecutorConfig LLMExecutor LLMExecutorConfig
        MethodToolExecutor ToolExecutor""",
    f"{F}.executor.hooks": "CompositeHooks ExecutorHooks LoggingHooks",
    f"{F}.memory": f"{MEMORY} StoredMessage",
    f"{F}.memory.store": "ConversationStore InMemoryStore MemoryStore StateStore StoredMessage",
    f"{F}.memory.context": "MemoryContext MemoryManager build_memory_context",
    f"{F}.prompts": PROMPTS,
    f"{F}.prompts.manager": f"{PROMPTS} preference_enricher",
    f"{F}.router": f"{ROUTER} RouteResult",
    f"{F}.router.intent": f"{ROUTER} RouteResult create_reroute_tool",
    f"{F}.adapters": "DjangoRuntimeAdapter DjangoStateStore create_django_runtime",
    f"{F}.adapters.django": """DjangoRunContext DjangoRunResult DjangoRuntimeAdapter DjangoStateStore RunResultImpl
        create_django_runtime""",
    C: f"""__version__ {INTERFACES} {REGISTRY} {CORE_TOOLS} {DOUBLES} RuntimeConfig configure get_config
        InMemoryRunContext FileRunContext {STEPS}""",
    f"{C}.interfaces": INTERFACES,
    f"{C}.config": "RuntimeConfig configure get_config reset_config",
    f"{C}.registry": REGISTRY,
    f"{C}.tools": CORE_TOOLS,
    f"{C}.testing": DOUBLES,
    f"{C}.steps": STEPS,
    f"{C}.contexts": "FileRunContext InMemoryRunContext",
    f"{C}.llm": LLM,
    f"{D}.runtime.registry": """autodiscover_runtimes clear_registry get_runtime get_runtime_async list_runtimes
        list_runtimes_async register_runtime unregister_runtime""",
}

ADDED = {
    F: """Ask Event Field FormJourney IdempotencyKey Injected Journey Sink Step ToolRetry derived expire migrate
        remind step""",
    f"{F}.state": "",
    f"{F}.tools": "",
    f"{F}.agents": "",
    f"{F}.executor": "",
    f"{F}.memory": "Conversation KeyValueStore",
    f"{F}.mcp": "MCPServer",
    f"{F}.prompts": "",
    f"{F}.router": "",
    f"{F}.adapters": "",
    f"{F}.store": "Commit ConversationInfo Store Stored open_store",
    f"{F}.testing": """Call Habits Person Say ScriptError ScriptedLLM ScriptedRequest Talk Talker
        anthropic_problems call openai_problems say""",
    f"{F}.server": "AgentApp ApiKeys Auth Limits Problem create_app",
    f"{F}.testing.stores": "Clock DurableStoreRules OpenStore StoreRules",
    C: """AgentRuntimeError AnthropicConfigurationError AuthenticationError ConfigurationError ContentFiltered
        ContextFilter ContextTooLong InvalidRequest JSONFormatter JSONObject ManualClock OpenAIConfigurationError
        PricedClient ProviderError ProviderProtocolError ProviderUnavailable RateLimited RunError SecretFilter
        TextFormatter TokenCounts ToolError UnknownRuntimeError UsageLimit add_usage configure_logging
        conversation_key estimate_cost log_context log_ids mask_secrets override_config register_secret reset_config
        run_agent with_cost""",
    f"{C}.llm": "Availability FallbackClient RetryPolicy available_models local_servers turn_deadline",
}
"""Every package whose `__all__` is exactly what is documented and this; other modules export what they like."""


def exports(module: ModuleType) -> list[str]:
    return list(getattr(module, "__all__", []))


def in_order(names: set[str]) -> list[str]:
    """Constants, then classes, then the rest, as ruff sorts them."""
    return sorted(names, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in DOCUMENTED.items() for name in names.split()]
)
def test_documented_name_can_be_imported(module: str, name: str):
    assert getattr(import_module(module), name, None) is not None


@pytest.mark.parametrize("module", ADDED)
def test_a_package_exports_what_is_listed_and_no_more(module: str):
    listed = {*DOCUMENTED.get(module, "").split(), *ADDED[module].split()}

    assert exports(import_module(module)) == in_order(listed)


@pytest.mark.parametrize("module", ADDED)
def test_everything_exported_is_there(module: str):
    loaded = import_module(module)

    assert [name for name in exports(loaded) if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("module", [module for module in DOCUMENTED if module.startswith(f"{F}.")])
def test_a_name_is_the_same_object_everywhere(module: str):
    top, deep = import_module(F), import_module(module)
    shared = set(DOCUMENTED[module].split()) & set(DOCUMENTED[F].split())

    assert [name for name in shared if getattr(deep, name) is not getattr(top, name)] == []


@pytest.mark.parametrize(("old", "new"), [("Executor", "LLMExecutor"), ("ExecutorConfig", "LLMExecutorConfig")])
def test_an_older_name_is_the_same_class(old: str, new: str):
    framework = import_module(F)

    assert getattr(framework, old) is getattr(framework, new)


def test_versions_move_in_step():
    installed = {version(name) for name in (F, C, D)}

    assert installed == {import_module(F).__version__} == {import_module(C).__version__}
