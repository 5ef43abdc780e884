"""The smallest project that has runtimes."""

SECRET_KEY = "only for tests"
INSTALLED_APPS = ["django_agent_runtime"]
DATABASES = {}
USE_TZ = True
DJANGO_AGENT_RUNTIME = {"RUNTIME_REGISTRY": ["shop.agents.register", "shop.agents:Echo"]}
