"""Every piece stands where it says, holds no more than it may, and knows its heading."""

from __future__ import annotations

from itertools import pairwise

import pytest

from assay.synth.documents.reading import Document
from assay.synth.documents.splitting import as_seed, split_sections, split_with_llama_index

TEXT = """# Warranty

The valve is covered for 24 months. Seals are not.

A claim needs the invoice. It is sent to the shop that sold the valve.

```
# not a heading
```

Returns
=======

Parts go back within 30 days. """ + " ".join(f"Sentence number {number} says little." for number in range(60))


def document(text: str = TEXT) -> Document:
    return Document("d" * 16, "guide.md", text)


def test_pieces_are_spans_of_the_document_in_order_and_none_is_lost() -> None:
    pieces = split_sections(document(), min_words=1, max_words=40)
    assert all(piece.text == TEXT[piece.start : piece.end] and piece.text == piece.text.strip() for piece in pieces)
    assert all(one.end <= two.start for one, two in pairwise(pieces))
    joined = " ".join(" ".join(piece.text.split()) for piece in pieces)
    assert all(f"Sentence number {number} says little." in joined for number in range(60))


@pytest.mark.parametrize("most", [5, 40, 250])
def test_no_piece_is_longer_than_it_may_be(most: int) -> None:
    assert all(len(piece.text.split()) <= most for piece in split_sections(document(), 1, most))


def test_a_paragraph_without_sentences_is_cut_at_words() -> None:
    pieces = split_sections(document("word " * 500), 1, 100)
    assert [len(piece.text.split()) for piece in pieces] == [100] * 5


def test_headings_are_those_of_markdown_and_underlines_and_not_of_code() -> None:
    pieces = split_sections(document(), 1, 250)
    assert {piece.heading for piece in pieces} == {"Warranty", "Returns"}
    assert pieces[0].location == "guide.md, Warranty"


def test_short_pieces_are_left_out() -> None:
    assert split_sections(document("# A\n\nshort\n\n# B\n\n" + "word " * 30), 20, 250)[0].heading == "B"


def test_the_seed_of_a_piece_has_its_document_as_id_and_family_and_its_line() -> None:
    pieces = split_sections(document(), 1, 40)
    seeds = [as_seed(piece, number) for number, piece in enumerate(pieces)]
    assert {seed.id for seed in seeds} == {seed.family for seed in seeds} == {"d" * 16}
    assert len({seed.row_id for seed in seeds}) == len(seeds)
    assert str(seeds[0].source) == "guide.md:3"


def test_the_splitter_of_llama_index_gives_spans_too() -> None:
    pytest.importorskip("llama_index.core")
    pieces = split_with_llama_index(document(), 1, 60)
    assert len(pieces) > 2
    assert all(piece.text and piece.text == TEXT[piece.start : piece.end] for piece in pieces)
