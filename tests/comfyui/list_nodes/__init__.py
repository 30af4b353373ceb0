"""A pack of another maker, for the tests: nodes that give floats, as one Python list and as a list output."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


class TestFloatsInOne(io.ComfyNode):
    """One value, which is a list: as many packs of animators do."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(node_id="TestFloatsInOne", category="test", inputs=[io.String.Input("numbers")], outputs=[io.Float.Output()])

    @classmethod
    def execute(cls, numbers: str) -> io.NodeOutput:
        return io.NodeOutput(_numbers(numbers))


class TestFloatsAsList(io.ComfyNode):
    """A list output: ComfyUI hands over single values, one after another."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        outputs = [io.Float.Output(is_output_list=True)]
        return io.Schema(node_id="TestFloatsAsList", category="test", inputs=[io.String.Input("numbers")], outputs=outputs)

    @classmethod
    def execute(cls, numbers: str) -> io.NodeOutput:
        return io.NodeOutput(_numbers(numbers))


class _Pack(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [TestFloatsInOne, TestFloatsAsList]


async def comfy_entrypoint() -> _Pack:
    """Called once by ComfyUI."""
    return _Pack()
