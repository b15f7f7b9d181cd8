# Curves, probabilities, quantiles, follow-up and numbers at risk by survfit.
source("common.R")
types <- c("log-log", "log", "plain", "logit", "arcsin")
fit <- function(cohort, columns, type = "log-log", level = 0.95) {
  y <- surv(cohort, columns)
  if (is.null(columns$weights)) survfit(y ~ 1, conf.type = type, conf.int = level) else
    survfit(y ~ 1, weights = cohorts[[cohort]][[columns$weights]], conf.type = type, conf.int = level)
}
delayed <- c(standard, entry = "entry")
add_curve <- function(cohort, columns = standard, type = "log-log", level = 0.95) {
  f <- fit(cohort, columns, type, level)
  se <- if (f$logse) f$std.err * f$surv else f$std.err
  add("kaplan_meier", cohort, columns, list(ci_type = type, ci_level = level), sampled(data.frame(
    time = f$time, n_at_risk = f$n.risk, n_events = f$n.event, n_censored = f$n.censor, survival = f$surv,
    std_error = se, ci_lower = f$lower, ci_upper = f$upper)))
}
for (cohort in c("lung", "mgus2", "kidney", "veteran", "aml", "ovarian", "colon", "bmt", "alloauto", "larynx", "tongue",
  "hodg", "one_event", "one_censored", "all_censored", "all_events", "time_zero", "tied", "half_falling", "half_at_end",
  "near_equal", "ends_at_zero", "bmt_shuffled")) add_curve(cohort)
for (type in types[-1]) for (cohort in c("veteran", "mgus2", "time_zero")) add_curve(cohort, type = type)
for (type in types) add_curve("mixed", list(time = "exit", event = "event", entry = "entry", weights = "weight"), type = type)
for (type in types[1:2]) add_curve("mixed", list(time = "time", event = "event", weights = "count"), type = type)
for (cohort in c("myeloma", "myeloma5", "channing", "delayed", "empties_early")) add_curve(cohort, delayed)
add_curve("mixed", c(standard, weights = "weight"))
add_curve("lung", level = 0.9); add_curve("bmt", level = 0.99, type = "log")

add_at <- function(cohort, at, columns = standard, type = "log-log", level = 0.95) {
  s <- summary(fit(cohort, columns, type, level), times = at)
  stopifnot(length(s$time) == length(at))
  add("survival_at", cohort, columns, list(at = I(at), ci_type = type, ci_level = level),
    list(estimate = I(s$surv), std_error = I(s$std.err), ci_lower = I(s$lower), ci_upper = I(s$upper)))
}
for (type in types) { add_at("lung", c(0, 5, 90, 180, 365, 883), type = type); add_at("bmt", c(100, 365, 730), type = type) }
for (cohort in c("mgus2", "veteran", "larynx", "aml")) add_at(cohort, c(0.1, 2, 6))
add_at("colon", c(365, 1096, 1826)); add_at("alloauto1", c(6, 12, 24)); add_at("mgus", c(3652, 7305))
add_at("myeloma", c(365, 1826, 3652), delayed); add_at("channing", c(800, 900, 1000), delayed); add_at("delayed", c(0, 5, 6, 12), delayed)
add_at("time_zero", c(0, 1, 3)); add_at("tied", c(2, 4, 6)); add_at("all_censored", c(0.5, 2, 5)); add_at("one_event", c(1, 3))
add_at("near_equal", c(0.3, 0.7, 1.5)); add_at("mixed", c(2, 5), c(standard, weights = "weight"))

limits <- function(q) list(estimate = unname(q$quantile), ci_lower = unname(q$lower), ci_upper = unname(q$upper))
add_quantile <- function(cohort, columns = standard, p = 0.5, type = "log-log", level = 0.95) {
  q <- quantile(fit(cohort, columns, type, level), c(p, 0.01))
  add("survival_quantile", cohort, columns, list(probability = p, ci_type = type, ci_level = level), lapply(limits(q), `[`, 1))
}
for (cohort in c("lung", "mgus2", "mgus", "mgus_F", "mgus_M", "kidney", "veteran", "aml", "aml_maintained", "ovarian", "colon", "bmt",
  "alloauto1", "alloauto2", "larynx", "tongue", "hodg", "one_event", "one_censored", "all_censored", "all_events", "time_zero",
  "tied", "half_falling", "half_at_end", "half_rounding", "half_rounding_falling", "near_equal", "ends_at_zero")) add_quantile(cohort)
for (cohort in c("myeloma", "myeloma5", "myeloma6", "myeloma7", "myeloma8", "channing", "delayed", "empties_early")) add_quantile(cohort, delayed)
for (p in c(0.1, 0.25, 0.75, 0.9)) for (cohort in c("veteran", "quarter_flat")) add_quantile(cohort, p = p)
for (type in types[-1]) { add_quantile("aml", type = type); add_quantile("veteran", type = type, level = 0.9) }
add_quantile("mixed", c(standard, weights = "weight"), type = "log"); add_quantile("mixed", c(standard, weights = "count"))
for (cohort in c("half_at_end", "half_rounding", "half_falling", "lung", "alloauto2", "mgus_F")) {
  row <- summary(fit(cohort, standard))$table
  add("survival_quantile", cohort, standard, list(flat_end = "first"),
    list(estimate = row[["median"]], ci_lower = row[["0.95LCL"]], ci_upper = row[["0.95UCL"]]))
}

for (cohort in c("lung", "mgus2", "mgus", "veteran", "aml", "aml_maintained", "colon", "bmt", "alloauto1", "tied", "time_zero", "all_events", "one_censored"))
  for (p in if (cohort %in% c("mgus2", "colon")) c(0.25, 0.5, 0.75) else 0.5) {
    d <- cohorts[[cohort]]
    q <- quantile(survfit(Surv(time, 1 - event) ~ 1, data = d, conf.type = "log-log"), c(p, 0.01))
    add("median_follow_up", cohort, standard, list(probability = p), lapply(limits(q), `[`, 1))
  }

add_risk <- function(cohort, at, columns = standard) {
  d <- cohorts[[cohort]]
  before <- summary(survfit(surv(cohort, columns) ~ 1), times = at, extend = TRUE)
  entry <- if (is.null(columns$entry)) rep(-1, nrow(d)) else d[[columns$entry]]
  stopifnot(before$n.risk[at > 0] == sapply(at, function(t) sum(entry < t & d$time >= t))[at > 0])
  add("numbers_at_risk", cohort, columns, list(at = I(at)), list(
    n_at_risk = I(sapply(at, function(t) sum(entry < t & d$time >= t))),
    n_events = I(sapply(at, function(t) sum(d$event == 1 & d$time < t))),
    n_censored = I(sapply(at, function(t) sum(d$event == 0 & d$time < t)))))
}
for (cohort in c("mgus2", "larynx", "tied", "time_zero", "all_censored")) add_risk(cohort, c(0, 2, 6, 12, 36))
for (cohort in c("lung", "bmt", "veteran", "colon")) add_risk(cohort, c(0, 100, 365, 730))
add_risk("myeloma", c(0, 365, 1826), delayed); add_risk("delayed", c(5, 6, 9), delayed)
freeze(cases, "kaplan_meier.json")
