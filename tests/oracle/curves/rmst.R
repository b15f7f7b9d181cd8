# Restricted means: the table of print(survfit, rmean =); contrasts from its means and errors, as survRM2 makes them.
source("common.R")
means <- function(formula, data, horizon) {
  table <- summary(survfit(formula, data = data), rmean = horizon)$table
  if (is.null(dim(table))) table <- t(table)
  list(mean = unname(table[, grep("^\\*?rmean$", colnames(table))]), se = unname(table[, grep("^\\*?se\\(rmean\\)$", colnames(table))]))
}
normal <- function(value, se, level = 0.95) {
  width <- qnorm(1 - (1 - level) / 2) * se
  list(estimate = value, std_error = se, ci_lower = value - width, ci_upper = value + width)
}
add_mean <- function(cohort, horizon, level = 0.95, columns = standard) {
  y <- surv(cohort, columns)
  m <- means(y ~ 1, cohorts[[cohort]], horizon)
  add("rmst", cohort, columns, list(horizon = horizon, ci_level = level), normal(m$mean, m$se, level))
}
horizons <- list(lung = c(365, 883), mgus2 = c(60, 240), veteran = c(100, 365), aml = c(20, 48), ovarian = 700, colon = 1826, bmt = c(365, 730),
  alloauto1 = 24, larynx = c(2, 5.5), tongue = 100, tied = c(4, 5), time_zero = c(1, 2.5), all_events = c(3, 4), half_at_end = 10, near_equal = 1.5, one_event = 4)
for (cohort in names(horizons)) for (horizon in horizons[[cohort]]) add_mean(cohort, horizon)
add_mean("lung", 365, 0.9)
# Beyond the last time R holds the last level; where the curve has reached 0 that is the answer.
add_mean("all_events", 6); add_mean("ends_at_zero", 9)
contrast <- function(cohort, group, horizon) {
  d <- cohorts[[cohort]]; d$group_ <- d[[group]]
  m <- means(Surv(time, event) ~ group_, d, horizon)
  stopifnot(length(m$mean) == 2)
  test <- function(z) list(statistic = z, p_value = 2 * pnorm(-abs(z)))
  difference <- diff(m$mean); se <- sqrt(sum(m$se^2))
  columns <- c(standard, group = group)
  add("rmst_difference", cohort, columns, list(horizon = horizon), c(normal(difference, se), test(difference / se)))
}
contrast("lung", "sex", 365); contrast("mgus2", "sex", 120); contrast("veteran", "trt", 365); contrast("aml", "x", 40)
contrast("ovarian", "rx", 700); contrast("colon", "sex", 1826); contrast("alloauto", "type", 30); contrast("tied", "group", 5)
freeze(cases, "rmst.json")
