"""A journey as a picture, in every format."""

from __future__ import annotations

import json
import re
from typing import Literal
from xml.etree import ElementTree

import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Journey, Step, step
from agent_runtime_framework.journey.graph import Graph, walked
from agent_runtime_framework.journey.graph.svg import text_width

SVG = "{http://www.w3.org/2000/svg}"


class Quote(Journey):
    """The quote desk."""

    kind: Literal["car", "home"] | None = None
    age: int = 0

    choose = step("Ask what to insure: <car> & home.", patience=3, stuck="human")
    car = step("Ask for the plate.")
    home = step("Ask for the size.")
    offer = step("Offer it.", awaits_user=True)
    done = step(say="You are insured.", final=True)
    human = step(say="A colleague will call you.", final=True)

    def adult(self) -> bool | str:
        return self.age >= 18 or "Only adults can buy."

    @choose.tool(to=[car, home])
    def pick(self, kind: Literal["car", "home"]) -> Step:
        """Record what it is."""
        self.kind = kind
        return self.car if kind == "car" else self.home

    @car.tool(to=["offer", "car"])
    def save_car(self, plate: str) -> Step:
        """Save the car."""
        return self.offer if plate else self.car

    @home.tool(to=offer)
    def save_home(self, size: int) -> None:
        """Save the home."""

    @offer.tool(to=done, when=adult)
    def buy(self) -> None:
        """Buy it."""

    @offer.tool(to=choose)
    def start_over(self) -> None:
        """Begin again."""


@pytest.fixture
def graph() -> Graph:
    return Quote.graph()


def test_a_class_and_its_agent_have_the_same_graph(graph: Graph):
    assert Quote.agent().graph() == graph


def test_moves_are_labelled_with_what_takes_them(graph: Graph):
    labels = {(edge.source, edge.target): edge.labels for edge in graph.edges}

    assert labels["choose", "car"] == ("pick",)
    assert labels["offer", "done"] == ("buy if adult",)
    assert labels["choose", "human"] == ("after 3 fruitless turns",)
    assert labels["car", "car"] == ("save_car",)


def test_mermaid_has_every_step_and_move(graph: Graph):
    diagram = graph.at("offer", ["choose", "car", "offer"]).mermaid()

    assert diagram.startswith("stateDiagram-v2\n")
    for line in ("[*] --> choose", "choose --> car: pick", "offer --> done: buy if adult", "done --> [*]"):
        assert f"    {line}\n" in diagram
    assert "class offer current" in diagram
    assert "class choose,car walked" in diagram


def test_svg_is_a_document_that_loads_nothing(graph: Graph):
    picture = graph.svg()

    root = ElementTree.fromstring(picture)
    assert root.tag == f"{SVG}svg"
    assert {text.text for text in root.iter(f"{SVG}text")} >= {"choose", "car", "home", "offer", "done", "human"}
    assert not re.search(r"(href|src|url)\s*[=(]|<script|@import", picture)


def test_svg_lights_up_the_current_step_and_the_way_there(graph: Graph):
    root = ElementTree.fromstring(graph.at("offer", ["choose", "car", "offer"]).svg())

    classes = {group.findtext(f"{SVG}title"): group.get("class") for group in root.iter(f"{SVG}g")}
    assert classes["offer: Offer it."] == "step walked current"
    assert classes["car: Ask for the plate."] == "step walked"
    assert classes["home: Ask for the size."] == "step"
    assert classes["choose to car: pick"] == "move walked"
    assert classes["choose to home: pick"] == "move"
    assert classes["choose to human: after 3 fruitless turns"] == "move rescue"


def test_html_is_a_whole_page_that_loads_nothing(graph: Graph):
    page = graph.html()

    assert page.startswith("<!doctype html>")
    assert "Ask what to insure: &lt;car&gt; &amp; home." in page
    assert "<script" not in page
    assert not re.search(r"\b(src|href)=", page)
    assert "default-src 'none'" in page


def test_json_is_json(graph: Graph):
    data = json.loads(json.dumps(graph.at("car").json()))

    assert [each["name"] for each in data["steps"]] == ["choose", "car", "home", "offer", "done", "human"]
    assert {"from": "offer", "to": "done", "by": ["buy if adult"], "rescue": False} in data["moves"]
    assert data["current"] == "car"


def test_text_draws_boxes_and_says_where_the_conversation_is(graph: Graph):
    drawing = graph.at("offer", ["choose", "car", "offer"]).text()

    assert "╔" in drawing
    assert "↺ save_car" in drawing
    assert "buy if adult" in drawing
    assert drawing.endswith("The conversation is in offer, by choose > car.\n")
    assert max(map(len, drawing.splitlines())) <= 110


def test_text_that_would_be_too_wide_is_a_list():
    from agent_runtime_framework.journey.graph.text import draw

    assert draw(Quote.graph().at("car"), width=20).splitlines()[:7] == [
        "Quote: 6 steps",
        "",
        "○ choose  (first step)",
        "├─▶ car  pick",
        "├─▶ home  pick",
        "└─▶ human  after 3 fruitless turns",
        "",
    ]


def test_a_notebook_shows_the_picture(graph: Graph):
    assert graph._repr_svg_() == graph.svg()


def test_an_unknown_step_cannot_be_current(graph: Graph):
    with pytest.raises(ConfigurationError, match="'nowhere' is no step of Quote; its steps are: choose, car"):
        graph.at("nowhere")


@pytest.mark.parametrize(
    ("calls", "current", "expected"),
    [
        ([], "choose", ("choose",)),
        (["pick", "save_car"], "offer", ("choose", "car", "offer")),
        (["pick", "save_home", "start_over", "pick"], "car", ("choose", "home", "offer", "choose", "car")),
        (["pick", "save_car", "save_car"], "offer", ("choose", "car", "offer")),
        (["pick", "unheard_of", "save_home", "buy"], "done", ("choose", "home", "offer", "done")),
        (["buy"], "human", ("human",)),
    ],
)
def test_the_way_of_a_conversation_follows_from_its_calls(calls: list[str], current: str, expected: tuple[str, ...]):
    assert walked(Quote.definition, calls, current) == expected


def test_wide_characters_take_more_room():
    assert text_width("見積もり", 10) > text_width("abcd", 10) > text_width("ilil", 10)
