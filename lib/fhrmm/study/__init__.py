"""The study plan (`study.toml`) as one validated, frozen object, and the repository root."""

from fhrmm.study.choices import Specification, specification_grid
from fhrmm.study.derivation import (
    Definition,
    Endpoint,
    Frozen,
    FunctionalHighRisk,
    Response,
    ResponseCriteria,
    Route,
    Rule,
    Staging,
)
from fhrmm.study.loading import (
    PLAN_PARAMETERS,
    as_release,
    describe_rounding,
    describe_validation,
    list_problems,
    load_study,
    override_study,
    plan_choices,
    read_study,
    repository_root,
    resolve_path,
)
from fhrmm.study.plan import Display, Factor, PublishedResult, Study
