"""How rows and figures are written."""

import pytest

from benchmarks.table import bytes_text, format_table, number_text, seconds_text, three_digits, times_text

ROWS = [["decode", "12.5", "-"], ["a|b", "3", "7"]]


def test_columns_are_aligned():
    assert format_table(["case", "fps", "n"], ROWS).splitlines() == [
        "case     fps  n",
        "------  ----  -",
        "decode  12.5  -",
        "a|b        3  7",
    ]


def test_markdown():
    assert format_table(["case", "fps", "n"], ROWS, markdown=True).splitlines() == [
        "| case   |  fps | n |",
        "|--------|-----:|--:|",
        "| decode | 12.5 | - |",
        "| a\\|b    |    3 | 7 |",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.000421, "0.42 ms"), (0.1234, "123 ms"), (4.5678, "4.57 s"), (345.6, "346 s"), (12.34, "12.3 s")]
)
def test_seconds(seconds, text):
    assert seconds_text(seconds) == text


def test_other_figures():
    assert (bytes_text(None), bytes_text(3 * 2**20)) == ("-", "3 MB")
    assert (times_text(None), times_text(3.414)) == ("-", "3.41x")
    assert (number_text(None), number_text(41.26)) == ("-", "41.3")
    assert three_digits(9.999) == "10.0"
