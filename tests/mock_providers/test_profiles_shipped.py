"""Each shipped profile has the properties that its title names."""

import tomllib
from collections.abc import Iterator
from importlib import resources

import httpx
import pytest

from mock_providers import MockApp, load_profile, shipped_profiles
from mock_providers.content.options import Accuracy
from mock_providers.latency.distributions import Constant, Gamma, Lognormal
from mock_providers.latency.pacing import Pace
from mock_providers.limits.limits import Limits
from mock_providers.profile import EmbeddingModel, Model, Profile


def models(profile: Profile) -> Iterator[tuple[str, Model | EmbeddingModel]]:
    """Every model, embedding models too, by provider and id."""
    for name, provider in profile.providers.items():
        for model_id, model in provider.models.items():
            yield f"{name}/{model_id}", model
        for model_id, embedding in provider.embeddings.items():
            yield f"{name}/{model_id}", embedding


def gemini_observed() -> list[tuple[str, Model | EmbeddingModel]]:
    """Gemini's model, which profile typical has not."""
    return [each for each in models(load_profile("observed")) if each[0].startswith("gemini/")]


def test_these_profiles_are_shipped() -> None:
    assert shipped_profiles() == (
        "candid",
        "flawless",
        "observed",
        "reasoning",
        "self-hosted",
        "small-account",
        "steady",
        "today",
        "typical",
        "unpaced",
    )


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_shipped_profile_has_the_name_of_its_file_and_tells_its_sources(name: str) -> None:
    text = (resources.files("mock_providers") / "profiles" / f"{name}.toml").read_text("utf-8")
    assert load_profile(name).name == tomllib.loads(text)["name"] == name
    opening = text.partition(f'name = "{name}"')[0]
    assert opening.startswith("# ")
    assert all(line.startswith("#") or not line for line in opening.splitlines())


def test_page_draws_its_times_without_slow_modes_load_or_prefill() -> None:
    for provider in load_profile("typical").providers.values():
        for model in provider.models.values():
            assert isinstance(model.ttft, Lognormal)
            assert model.ttft.slow is None
            assert (model.ttft.sigma, model.prefill_s_per_token, model.load) == (0.25, 0.0, None)
            assert (model.pace.reply_sigma, model.pace.chunk_sigma) == (0.25, 0.3)
            assert model.pace.chunk_tokens == (1, 4)


def test_unpaced_has_the_models_and_prices_of_page_and_gemini_but_no_delay_and_no_limits() -> None:
    typical, unpaced = load_profile("typical"), load_profile("unpaced")
    assert unpaced.error_latency_s == 0.0
    told = {name: (model.price, model.aliases) for name, model in [*models(typical), *gemini_observed()]}
    assert {name: (model.price, model.aliases) for name, model in models(unpaced)} == told
    for name, model in models(unpaced):
        assert model.limits == Limits(), name
        latency = model.ttft if isinstance(model, Model) else model.latency
        assert latency == Constant(value_s=0.0), name
        if isinstance(model, Model):
            assert model.pace.tokens_per_s == float("inf"), name
            assert (model.organization_limits, model.load, model.prefill_s_per_token) == (None, None, 0.0)


def test_flawless_is_typical_with_answers_that_are_never_wrong() -> None:
    typical, flawless = load_profile("typical"), load_profile("flawless")
    right = Accuracy(easy=1.0, medium=1.0, hard=1.0)
    for name, provider in typical.providers.items():
        models = {id_: model.model_copy(update={"accuracy": right}) for id_, model in provider.models.items()}
        assert flawless.providers[name] == provider.model_copy(update={"models": models})


def test_unpaced_is_page_in_everything_that_is_neither_time_nor_limit() -> None:
    typical, unpaced = load_profile("typical"), load_profile("unpaced")
    for name, provider in typical.providers.items():
        for model_id, model in provider.models.items():
            other = unpaced.providers[name].models[model_id]
            assert (other.tier, other.accuracy) == (model.tier, model.accuracy)
            assert other.pace.chunk_tokens == model.pace.chunk_tokens
            assert other.context_window == model.context_window
            assert other.max_output_tokens == model.max_output_tokens


def test_unpaceds_gemini_is_observeds_in_everything_that_is_neither_time_nor_limit() -> None:
    ((name, observed),) = gemini_observed()
    (unpaced,) = (model for its_name, model in models(load_profile("unpaced")) if its_name == name)
    assert isinstance(observed, Model)
    assert isinstance(unpaced, Model)
    for field in ("tier", "accuracy", "context_window", "max_output_tokens"):
        assert getattr(unpaced, field) == getattr(observed, field)


def test_the_four_protocols_are_all_spoken_by_the_profiles_without_a_reason_to_leave_one_out() -> None:
    for name in ("observed", "unpaced"):
        spoken = [provider.protocol for provider in load_profile(name).providers.values()]
        assert spoken == ["openai", "anthropic", "together", "gemini"]


# Share of the time to first token that a hit on the whole prompt saves, by model and prompt tokens: as
# published, and how near the profile comes to it; its comments say why not nearer.
HITS = {
    ("openai", "gpt-4o", 150_000): (0.67, 0.01),
    ("openai", "gpt-4o", 1_024): (0.07, 0.06),
    ("anthropic", "claude-sonnet-4-5", 100_000): (0.79, 0.02),
    ("anthropic", "claude-sonnet-4-5", 10_000): (0.31, 0.02),
}


@pytest.mark.parametrize(("provider", "model_id", "tokens"), HITS)
def test_a_cache_hit_saves_about_the_published_share_of_the_first_tokens_time(
    provider: str, model_id: str, tokens: int
) -> None:
    share, tolerance = HITS[provider, model_id, tokens]
    model = load_profile("observed").providers[provider].models[model_id]
    prefill_s = tokens * model.prefill_s_per_token
    assert isinstance(model.ttft, Lognormal)
    assert prefill_s / (prefill_s + model.ttft.median_s) == pytest.approx(share, abs=tolerance)


def test_every_model_of_observed_with_a_prompt_cache_saves_time_by_a_hit() -> None:
    for name, model in models(load_profile("observed")):
        if isinstance(model, Model):
            assert (model.prefill_s_per_token > 0) is (model.prompt_cache is not None), name


def test_observed_charges_what_page_charges_for_the_same_model() -> None:
    observed = dict(models(load_profile("observed")))
    shared = {name: model.price for name, model in models(load_profile("typical")) if name in observed}
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


async def test_a_speed_without_end_is_null_in_the_admin_apis_json_which_has_no_infinity() -> None:
    app = MockApp(load_profile("unpaced"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.admin)) as client:
        told = (await client.get("http://mock/_mock/profile")).json()
    speeds = [
        model["pace"]["tokens_per_s"]
        for provider in told["providers"].values()
        for model in provider["models"].values()
    ]
    assert speeds == [None] * 8
    assert Pace.model_fields["tokens_per_s"].is_required()  # so null can mean nothing else
