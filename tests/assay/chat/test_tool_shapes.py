"""Tools are their shape and their contents: nothing is lost, and what differs between data sets' records is content."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.chat.tool_shapes import UNSEEN, declared, exact_outline, tool_outline, unread_outline
from assay.records import Json

texts = st.text(max_size=9) | st.sampled_from(["look", ' "a" ', '"name": "look"', "\\", "\n x \n", "\ud83d", "Zq0x7Kd"])
keys = st.sampled_from(["name", "description", "type", "parameters", "properties"]) | texts
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
functions = st.fixed_dictionaries({"name": texts, "description": texts}, optional={"parameters": values})
tools = functions | functions.map(lambda function: {"type": "function", "function": function}) | values


@given(st.lists(tools, max_size=4))
def test_shape_and_contents_are_the_tools(made: list[Json]) -> None:
    for outline in (tool_outline(made), exact_outline(made)):
        assert repr(declared(outline.shape, outline.contents)) == repr(made)
        assert all(content and content == content.strip() for content in outline.contents)
        hash(outline.shape)


def tool(name: str, description: str, **parameters: Json) -> Json:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def test_names_and_descriptions_are_contents() -> None:
    place = {"place": {"type": "string", "description": "Where?", "name": "no function"}}
    found = tool_outline([tool("look", " Looks.\n", properties=place), tool("find", 'Finds "it".')])
    assert found.contents == ("look", "Looks.", "Where?", "find", 'Finds "it".')
    assert found.names == {"look": 0, "find": 3}


def test_tools_that_differ_in_nothing_else_have_one_shape_and_others_have_not() -> None:
    shapes = [
        tool_outline([tool("look", "Looks.")]),
        tool_outline([tool("find", "Finds.")]),
        tool_outline([tool("find", "Finds. ")]),
        tool_outline([tool("find", "")]),
        tool_outline([tool("find", "Finds.", properties={})]),
    ]
    assert [shapes.index(next(o for o in shapes if o.shape == each.shape)) for each in shapes] == [0, 0, 2, 3, 4]


def test_a_name_that_stands_in_two_tools_is_one_content() -> None:
    twice = tool_outline([tool("look", "Looks."), tool("look", "Looks again.")])
    once = tool_outline([tool("look", "Looks."), tool("find", "Looks again.")])
    assert twice.names == {"look": 0} and len(twice.contents) == 3
    assert twice.shape != once.shape


def test_of_tools_that_nobody_reads_the_names_are_left() -> None:
    found = unread_outline([tool("look", "Looks."), tool("two words", "")])
    assert (found.shape, found.contents, dict(found.names)) == ((), (), {"look": UNSEEN, "two words": UNSEEN})
