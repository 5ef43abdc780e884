"""A form in a language it has no words of."""

from pydantic import BaseModel

from agent_runtime_framework.journey import Form, Journey, step


class Invite(BaseModel):
    nom: str


class Soiree(Journey):
    """Chez Acme."""

    who = step(collect=Form(Invite, language="fr"), to="done")  # expect: form-language
    done = step(say="Merci, $nom.", final=True)
