"""The fast decoders against the plain one: the CPU's in strips, and the batched one in every precision."""

from __future__ import annotations

import copy
import warnings
import weakref
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from float_core import CompileWarning
from float_core.config import AutoencoderConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_autoencoder.fast_decoders import batch_decoder, strip_decoder, winograd
from float_core.motion_autoencoder.fast_decoders.batch_decoder import BatchDecoder
from float_core.motion_autoencoder.fast_decoders.bilinear_taps import sample, source_table, taps_of_flow
from float_core.motion_autoencoder.fast_decoders.strip_decoder import StripDecoder, StripWeights, strip_weights
from float_core.motion_autoencoder.fast_decoders.styled_convolutions import LayerStyles, strips
from float_core.motion_autoencoder.fast_decoders.winograd import Workspace
from float_core.motion_autoencoder.plain_decoder import decode_plain

# Levels 8 and 16 share their weights among the batch (18 * 48 > 16 * 16), 32 and 64 give every frame its own.
CONFIG = AutoencoderConfig(size=64, latent_size=24, basis_size=6, channels=(40, 48, 48, 20, 8))


@pytest.fixture(scope="module", params=["warp", "state"])
def network(request: pytest.FixtureRequest) -> MotionAutoencoder:
    """Flows of several pixels, some of which leave the image."""
    torch.manual_seed(0)
    network = MotionAutoencoder(replace(CONFIG, image_from=request.param)).eval().requires_grad_(False)
    for name, parameter in network.dec.named_parameters():
        if name.startswith("to_flows") and name.endswith("conv.weight"):
            parameter.mul_(8)
        if name.endswith("bias") and "modulation" not in name:
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return network


@pytest.fixture(scope="module")
def source(network: MotionAutoencoder) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Latents (5, D) of different faces, and one source's features."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        identity, _, skips = network.encode(torch.rand(1, 3, 64, 64, generator=generator) * 2 - 1)
    return identity + torch.randn(5, CONFIG.latent_size, generator=generator), skips


def _error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def _decibels(found: Tensor, expected: Tensor) -> float:
    """PSNR of images clamped to [-1, 1], as they are shown."""
    difference = found.clamp(-1, 1) - expected.clamp(-1, 1)
    return float(10 * torch.log10(4 / difference.square().mean()))


def test_both_kinds_of_levels_are_tested(network, source):
    levels = StripWeights(network.dec).levels
    assert [level.shared is not None for level in levels] == [True, True, False, False]


@pytest.mark.parametrize("strip_bytes", [1, 8 * 64 * 24 * 4, 2**23])
def test_strips_give_the_plain_images(network, source, strip_bytes):
    latents, skips = source
    decoder = StripDecoder(StripWeights(network.dec, strip_bytes=strip_bytes), skips)
    expected = decode_plain(network.dec, latents, skips)
    assert _error(decoder(latents), expected) <= 1e-5
    assert _error(decoder(latents[3:4]), expected[3:4]) <= 1e-5  # what was kept from other frames does not show
    assert torch.equal(decoder(latents), decoder(latents))


def test_strips_cover_all_rows_once():
    assert strips(512, 1, 100) == [(0, 100), (100, 200), (200, 300), (300, 400), (400, 500), (500, 512)]
    assert strips(64, 10**9, 1)[:2] == [(0, 8), (8, 16)]
    assert strips(8, 1, 10**9) == [(0, 8)]


def test_the_batched_decoder_gives_the_plain_images(network, source):
    latents, skips = source
    assert _error(BatchDecoder(network.dec, skips)(latents), decode_plain(network.dec, latents, skips)) <= 1e-5


@pytest.mark.half_precision
@pytest.mark.parametrize(("dtype", "decibels"), [(torch.bfloat16, 52.0), (torch.float16, 70.0)])
def test_half_precision_shows_the_same_images(network, source, dtype, decibels):
    """At flows that a trained model has; flows and grids are float32 in both."""
    low, calm = (MotionAutoencoder(network.config).eval().requires_grad_(False) for _ in range(2))
    weights = {name: value / 8 if "to_flows" in name and "conv.weight" in name else value for name, value in network.state_dict().items()}
    calm.load_state_dict(weights)
    low.load_state_dict(weights)
    latents, skips = source
    expected = StripDecoder(StripWeights(calm.dec), skips)(latents)
    found = low.to(dtype).prepare(skips)(latents)
    assert found.dtype == torch.float32
    assert _decibels(found, expected) >= decibels


def test_styles_of_all_layers_are_those_of_each(network, source):
    latents = source[0]
    styles = LayerStyles(network.dec)(latents)
    layers = [network.dec.conv1, *(network.dec.convs[i] for i in (0, 1))]
    for layer, (style, gain) in zip(layers, styles, strict=False):
        torch.testing.assert_close(style, layer.conv.style(latents), rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(gain, layer.conv.demodulation(style) * 2**0.5, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(styles[3][0], network.dec.to_flows[0].conv.style(latents), rtol=1e-5, atol=1e-7)
    assert styles[3][1].numel() == 0 and len(styles) == 1 + 3 * 4


def test_taps_are_grid_sample_with_the_mask():
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(1, 5, 16, 16, generator=generator)
    flow = 2 * torch.randn(2, 3, 16, 16, generator=generator)
    flow[0, :2, 0, 0], flow[0, :2, 15, 15] = -50.0, 50.0  # as far out as it goes
    line = torch.linspace(-1, 1, 16)
    grid = torch.stack([flow[:, 0].tanh() + line, flow[:, 1].tanh() + line[:, None]], -1)
    expected = torch.nn.functional.grid_sample(features.expand(2, -1, -1, -1), grid, "bilinear", "zeros", False) * flow[:, 2:].sigmoid()
    for rows in (slice(0, 16), slice(5, 9)):
        taps, mask = taps_of_flow(flow[:, :, rows], rows.start, 16)
        found = sample(source_table(features), taps).view(2, -1, 16, 5).permute(0, 3, 1, 2)
        torch.testing.assert_close(found, expected[:, :, rows], rtol=1e-5, atol=1e-6)
        assert torch.equal(mask.view(2, 1, -1, 16), flow[:, 2:, rows].sigmoid())


def test_winograd_is_the_direct_convolution(monkeypatch):
    monkeypatch.setattr(winograd, "BAND_BYTES", 4 * 8 * 12 * 7)  # bands of eight rows, the last one of four
    generator, workspace = torch.Generator().manual_seed(3), Workspace()
    weight = torch.randn(7, 5, 3, 3, generator=generator)
    convolve = winograd.WinogradConvolution(weight, 12)
    for shape in ((2, 5, 12, 12), (1, 5, 4, 8), (1, 5, 20, 12)):
        x, scale = torch.randn(shape, generator=generator), torch.randn(*shape[:2], 1, 1, generator=generator)
        found = convolve(x.contiguous(memory_format=torch.channels_last), scale, workspace)
        expected = torch.nn.functional.conv2d((x * scale).double(), weight.double(), padding=1)
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert _error(found.double(), expected) <= 2e-6


def test_a_workspace_gives_the_same_memory_again():
    workspace = Workspace()
    first = workspace("a", (2, 3))
    assert workspace("a", (3, 2)).data_ptr() == first.data_ptr() == workspace("a", (1,)).data_ptr()
    assert workspace("b", (2, 3)).data_ptr() != first.data_ptr()
    assert workspace("a", (3, 3)).shape == (3, 3)
    workspace("a", (2, 3)).fill_(1.0)  # of the larger memory


def test_wide_layers_take_winograd(network, source, monkeypatch):
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", 48)
    weights = StripWeights(network.dec)
    taken = [[conv._winograd is not None for conv in level.shared] for level in weights.levels if level.shared]
    assert taken == [[False, False], [False, True]]  # the 16x16 convolution, not the smaller or the up-sampling ones
    assert _error(StripDecoder(weights, source[1])(source[0]), decode_plain(network.dec, *source)) <= 1e-5


def test_weights_are_prepared_once_for_all_sources_until_one_changes(network, source):
    own = copy.deepcopy(network)
    kept = strip_weights(own.dec)
    assert strip_weights(own.dec) is kept
    before = own.prepare(source[1])(source[0])
    own.dec.convs[0].conv.weight.data[0, 0, 0, 0, 0] *= 1.5  # which no counter of torch's notices
    assert strip_weights(own.dec) is not kept
    after = own.prepare(source[1])(source[0])
    assert not torch.equal(after, before)
    assert _error(after, decode_plain(own.dec, *source)) <= 1e-5
    gone = weakref.ref(strip_weights(own.dec))
    own.to(torch.bfloat16)
    assert gone() is None, "in half precision they are of no use"


@pytest.mark.parametrize("change", [lambda w: w.roll(1, 1), lambda w: w.roll(1, 2), lambda w: w.flip(-1), lambda w: w.transpose(1, 2)])
@pytest.mark.parametrize("small", [1000, 2**18])
def test_weights_that_changed_places_are_noticed(network, source, monkeypatch, small, change):
    monkeypatch.setattr(strip_decoder, "_SMALL", small)
    own = copy.deepcopy(network)
    kept = strip_weights(own.dec)
    weight = own.dec.convs[2].conv.weight
    weight.copy_(change(weight.clone()))
    assert strip_weights(own.dec) is not kept
    assert _error(own.prepare(source[1])(source[0]), decode_plain(own.dec, *source)) <= 1e-5


def test_values_that_are_not_finite_come_out_as_such(network, source):
    latents, skips = source
    assert StripDecoder(StripWeights(network.dec), skips)(latents * float("nan")).isnan().any()


def test_a_cpu_in_float32_has_its_own_way_and_says_so(network, source):
    with pytest.warns(CompileWarning, match="faster way of its own"):
        assert isinstance(network.prepare(source[1], compile=True), StripDecoder)


def test_compiled_batches_are_filled_up_and_cut(network, source, monkeypatch):
    latents, skips = source
    sizes: list[int] = []
    options: dict[str, object] = {}

    def fake_compile(function, **given):
        options.update(given)
        return lambda latent: (sizes.append(len(latent)), function(latent))[1]

    monkeypatch.setattr(batch_decoder.torch, "compile", fake_compile)
    decoder = BatchDecoder(network.dec, skips, compile=True)
    expected = BatchDecoder(network.dec, skips)(latents)
    assert _error(decoder(latents), expected) <= 1e-6
    assert _error(decoder(latents[:2]), expected[:2]) <= 1e-6
    assert _error(BatchDecoder(network.dec, skips, compile=True)(latents[:3]), expected[:3]) <= 1e-6
    assert sizes == [8, 8, 4] and options == {"mode": "default", "dynamic": False, "fullgraph": True}


@pytest.fixture
def counter(monkeypatch) -> CompileCounter:
    """Traces with torch's own compiler as far as the graph, so that no C++ compiler is needed, and counts the graphs."""
    counter, compiler = CompileCounter(), torch.compile
    torch._dynamo.reset()

    def compile_to_graph(function, *, mode, **options):
        return compiler(function, backend=counter, **options)

    monkeypatch.setattr(batch_decoder.torch, "compile", compile_to_graph)
    return counter


def test_the_decoder_is_one_graph_that_serves_every_source(network, source, counter, recwarn):
    latents, skips = source
    for scale in (1.0, 0.5):
        of_another = tuple(skip * scale for skip in skips)
        expected = BatchDecoder(network.dec, of_another)(latents)
        assert _error(BatchDecoder(network.dec, of_another, compile=True)(latents), expected) <= 1e-6
        assert counter.frame_count == 1
    assert not [w for w in recwarn if issubclass(w.category, CompileWarning) or "lru_cache" in str(w.message)]


def test_a_long_session_compiles_more_than_torch_would_by_itself(network, source, counter, monkeypatch, recwarn):
    monkeypatch.setattr(batch_decoder, "BUCKETS", range(1, 12))
    latents, skips = source[0].repeat(3, 1), source[1]
    assert torch._dynamo.config.cache_size_limit < 10
    for size in range(1, 11):
        BatchDecoder(network.dec, skips, compile=True)(latents[:size])
    assert counter.frame_count == 10
    assert not [w for w in recwarn if issubclass(w.category, CompileWarning)]


def test_when_no_more_is_compiled_it_is_said(network, source, counter, monkeypatch):
    monkeypatch.setattr(batch_decoder, "GRAPHS", 1)
    latents, skips = source
    for size, warned in ((1, False), (2, True)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = BatchDecoder(network.dec, skips, compile=True)(latents[:size])
        assert _error(found, BatchDecoder(network.dec, skips)(latents[:size])) <= 1e-6
        assert any(issubclass(w.category, CompileWarning) for w in caught) == warned
    assert counter.frame_count == 1


@pytest.mark.parametrize("error", [RuntimeError, ImportError, AssertionError])
def test_what_cannot_be_compiled_goes_on_without_a_word_more_than_once(network, source, monkeypatch, recwarn, error):
    def fail(latent):
        raise error("no C++ compiler\nat all")

    monkeypatch.setattr(batch_decoder.torch, "compile", lambda function, **_: fail)
    decoder = BatchDecoder(network.dec, source[1], compile=True)
    images = [decoder(source[0][:1]) for _ in range(2)]
    assert torch.equal(*images)
    assert [str(w.message) for w in recwarn] == ["the decoder cannot be compiled here (no C++ compiler); it goes on without."]


def test_running_out_of_memory_is_no_reason_to_compile_no_more(network, source, monkeypatch):
    def fail(latent):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(batch_decoder.torch, "compile", lambda function, **_: fail)
    with pytest.raises(torch.OutOfMemoryError):
        BatchDecoder(network.dec, source[1], compile=True)(source[0][:1])
