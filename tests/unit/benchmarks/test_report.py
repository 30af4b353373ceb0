"""From measurements to table, remarks, JSON and plot; the straight line through points; how figures are written."""

import json

import pytest
from PIL import Image

from benchmarks.length_trend import fit_line
from benchmarks.machine import machine_facts
from benchmarks.measurements import Measurement, times_plain
from benchmarks.report import Report, bytes_text, format_table, number_text, seconds_text, three_digits, times_text, write_report

MACHINE = machine_facts()
CELLS = [["decode", "12.5", "-"], ["a|b", "3", "7"]]


def clip(length: float, path: str = "fast", memory: int = 400) -> Measurement:
    return Measurement(
        "clip", f"mini, {length:g} s", path, (2 + length * 0.5,), round(length * 25), 25.0, memory * 2**20, figures={"length": length}
    )


DECODE = [
    Measurement("decode", "mini", "plain", (0.9, 1.0, 1.4), 1),
    Measurement("decode", "mini", "fast", (0.8, 0.9, 0.7), 4, notes=("slow disk",)),
]
CLIPS = [clip(10.0, "plain"), clip(10.0, memory=300), clip(60.0), clip(600.0, memory=420)]


def report(rows, suite="cpu") -> Report:
    return Report(suite, MACHINE, {"runs": 3}, tuple(rows), 12.0)


def test_figures_of_a_measurement():
    plain, fast = DECODE
    assert (plain.median, plain.per_frame, plain.fps, plain.real_time_factor) == pytest.approx((1.0, 1.0, 1.0, 0.04))
    assert (fast.median, fast.per_frame, fast.fps) == pytest.approx((0.8, 0.2, 5.0))
    assert times_plain(fast, DECODE) == pytest.approx(5.0)
    assert times_plain(fast, [fast]) is None


def test_where_there_are_no_frames_runs_are_compared():
    rows = [Measurement("first", "mini", "plain", (3.0,)), Measurement("first", "mini", "fast", (0.5,))]
    assert rows[1].fps is rows[1].real_time_factor is None
    assert times_plain(rows[1], rows) == pytest.approx(6.0)


def test_table_and_remarks():
    made = report([*DECODE, *CLIPS])
    lines = made.table().splitlines()
    assert len(lines) == 2 + 6
    assert "800 ms" in lines[3] and "200 ms" in lines[3] and "5.00x" in lines[3]
    assert made.table(markdown=True).startswith("| suite ")
    remarks = "\n".join(made.remarks())
    assert "decode, mini, fast: slow disk" in remarks
    assert "2.00 s + 0.5000 s per second of audio, R² = 1.00000 over 10, 60, 600 s" in remarks
    assert "peak memory at 600 s is +5.0 % against 60 s" in remarks
    assert MACHINE["torch"] in remarks


def test_json_and_plot(tmp_path):
    paths = write_report(report([*DECODE, *CLIPS]), tmp_path / "new")
    assert [path.name for path in paths] == ["cpu.json", "clip_lengths.png"]
    found = json.loads(paths[0].read_text())
    assert set(found) == {"suite", "machine", "settings", "took_seconds", "measurements", "clip_trend"}
    assert {"cpu", "cores", "threads", "ram_bytes", "os", "python", "torch", "command", "date", "libraries"} <= set(found["machine"])
    fast = found["measurements"][1]
    assert fast["seconds"] == [0.8, 0.9, 0.7]
    assert fast["times_plain"] == pytest.approx(5.0)
    assert {"median_seconds", "fps", "real_time_factor", "peak_bytes", "seconds_per_frame", "path", "case"} <= set(fast)
    assert found["clip_trend"]["time"]["r_squared"] == pytest.approx(1.0)
    with Image.open(paths[1]) as plot:
        assert plot.format == "PNG" and plot.width > 800


def test_one_length_makes_no_line(tmp_path):
    made = report([clip(10.0)], "clip")
    assert made.trend() is None
    assert all(path.exists() for path in write_report(made, tmp_path))


def test_the_gpu_table_leaves_failures_to_the_remarks():
    figures = {"dtype": "float32", "batch": 1, "device_name": "Card", "psnr_db": 52.0, "host_seconds": [0.2, 0.4, 0.3]}
    rows = [
        Measurement("gpu", "m, float32, batch 1", "plain", (0.8,), 8, figures=figures),
        Measurement("gpu", "m, float32, batch 1", "eager", (0.2,), 10, figures=figures),
        Measurement("gpu", "m, float32, batch 32", "eager", (), figures={"dtype": "float32", "batch": 32}, notes=("out of memory",)),
    ]
    made = report(rows, "gpu")
    header, _, plain, eager = made.table().splitlines()
    assert header.split()[:4] == ["device", "dtype", "batch", "path"]
    assert plain.split()[:5] == ["Card", "float32", "1", "plain", "100"]
    assert eager.split()[4:9] == ["20.0", "50.0", "30.0", "33.3", "5.00x"]
    assert "gpu, m, float32, batch 32, eager: out of memory" in made.remarks()
    assert "median_seconds" not in made.as_json()["measurements"][2]


def test_a_line_is_found():
    fit = fit_line([10, 60, 600], [3 + 0.5 * x for x in (10, 60, 600)])
    assert (fit.start, fit.slope, fit.r_squared) == pytest.approx((3, 0.5, 1))


def test_what_the_line_does_not_explain():
    # y = 0, 3, 0 over x = 0, 1, 2: the best line is flat at 1 and explains nothing
    fit = fit_line([0, 1, 2], [0, 3, 0])
    assert (fit.start, fit.slope, fit.r_squared) == pytest.approx((1, 0, 0))


def test_constant_values():
    assert fit_line([1, 2], [5, 5]).r_squared == 1


@pytest.mark.parametrize("points", [[], [4.0], [4.0, 4.0]])
def test_no_line_through_less_than_two_points(points):
    assert fit_line(points, [1.0] * len(points)) is None


def test_columns_are_aligned():
    assert format_table(["case", "fps", "n"], CELLS).splitlines() == [
        "case     fps  n",
        "------  ----  -",
        "decode  12.5  -",
        "a|b        3  7",
    ]


def test_markdown():
    assert format_table(["case", "fps", "n"], CELLS, markdown=True).splitlines() == [
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
