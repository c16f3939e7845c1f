"""Each shipped profile is what its title says."""

import tomllib
from collections.abc import Iterator
from importlib import resources

import pytest

from mock_providers import load_profile, shipped_profiles
from mock_providers.latency import Constant, Gamma, Lognormal
from mock_providers.limits import Limits
from mock_providers.profile import EmbeddingModel, Model, Profile


def models(profile: Profile) -> Iterator[tuple[str, Model | EmbeddingModel]]:
    """Every model, embedding models too, by provider and id."""
    for name, provider in profile.providers.items():
        for model_id, model in provider.models.items():
            yield f"{name}/{model_id}", model
        for model_id, embedding in provider.embeddings.items():
            yield f"{name}/{model_id}", embedding


def test_four_profiles_are_shipped() -> None:
    assert shipped_profiles() == ("observed", "page", "self-hosted", "unpaced")


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_shipped_profile_has_the_name_of_its_file_and_tells_its_sources(name: str) -> None:
    text = (resources.files("mock_providers") / "profiles" / f"{name}.toml").read_text("utf-8")
    assert load_profile(name).name == tomllib.loads(text)["name"] == name
    opening = text.partition(f'name = "{name}"')[0]
    assert opening.startswith("# ")
    assert all(line.startswith("#") or not line for line in opening.splitlines())


def test_page_draws_its_times_without_slow_modes_load_or_prefill() -> None:
    for provider in load_profile("page").providers.values():
        for model in provider.models.values():
            assert isinstance(model.ttft, Lognormal)
            assert model.ttft.slow is None
            assert (model.ttft.sigma, model.prefill_s_per_token, model.load) == (0.25, 0.0, None)
            assert (model.pace.reply_sigma, model.pace.chunk_sigma) == (0.25, 0.3)
            assert model.pace.chunk_tokens == (1, 4)


def test_unpaced_has_the_models_and_prices_of_page_but_no_delay_and_no_limits() -> None:
    page, unpaced = load_profile("page"), load_profile("unpaced")
    assert unpaced.error_latency_s == 0.0
    told = {name: (model.price, model.aliases) for name, model in models(page)}
    assert {name: (model.price, model.aliases) for name, model in models(unpaced)} == told
    for name, model in models(unpaced):
        assert model.limits == Limits(), name
        latency = model.ttft if isinstance(model, Model) else model.latency
        assert latency == Constant(value_s=0.0), name
        if isinstance(model, Model):
            assert model.pace.tokens_per_s == float("inf"), name
            assert (model.organization_limits, model.load, model.prefill_s_per_token) == (None, None, 0.0)


def test_unpaced_is_page_in_everything_that_is_neither_time_nor_limit() -> None:
    page, unpaced = load_profile("page"), load_profile("unpaced")
    for name, provider in page.providers.items():
        for model_id, model in provider.models.items():
            other = unpaced.providers[name].models[model_id]
            assert (other.tier, other.accuracy) == (model.tier, model.accuracy)
            assert other.pace.chunk_tokens == model.pace.chunk_tokens
            assert other.context_window == model.context_window
            assert other.max_output_tokens == model.max_output_tokens


def test_observed_charges_what_page_charges_for_the_same_model() -> None:
    observed = dict(models(load_profile("observed")))
    shared = {name: model.price for name, model in models(load_profile("page")) if name in observed}
    assert len(shared) == 7
    assert {name: observed[name].price for name in shared} == shared


def test_self_hosted_has_the_published_latencies_slows_under_load_and_costs_nothing() -> None:
    (provider,) = load_profile("self-hosted").providers.values()
    told = {"llama-3-8b": (0.030, 0.00025, 2.0), "llama-3-70b": (0.080, 0.0005, 3.0)}
    for model_id, model in provider.models.items():
        assert model.load is not None
        assert isinstance(model.ttft, Gamma)
        assert (model.ttft.mean_s, model.prefill_s_per_token, model.load.slowdown) == told[model_id]
        assert (model.price.input, model.price.output, model.limits) == (0, 0, Limits())
    assert provider.obfuscation is False
    assert set(provider.models) == set(told)
