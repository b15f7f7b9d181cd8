# Cumulative incidence by cmprsk::cuminc and by survfit, Gray's test, and cmprsk::crr run to full precision.
source("common.R")
causes_of <- list(mgus2 = "first", pbc = "time", bmt = "time", bmt_shuffled = "time", time_zero = "time", zero_first = "time", tied = "time", mixed = "time")
at_of <- list(mgus2 = c(12, 60, 120, 240), pbc = c(365, 1826, 3652), bmt = c(100, 365, 730), bmt_shuffled = c(100, 365, 730), time_zero = c(0, 1, 2), zero_first = c(0, 1, 2),
  tied = c(2, 4, 6), mixed = c(1, 3, 5, 8), near_equal = c(0.3, 0.7, 1.5))
log_log <- function(p, se) {
  width <- ifelse(p > 0 & p < 1, qnorm(0.975) * se / (p * log(p)), NA)
  list(ci_lower = I(p^exp(-width)), ci_upper = I(p^exp(width)))
}
for (cohort in names(causes_of)) {
  d <- cohorts[[cohort]]; time <- d[[causes_of[[cohort]]]]
  curves <- cuminc(time, d$cause); at <- at_of[[cohort]]
  for (cause in sort(setdiff(unique(d$cause), 0))) {
    one <- curves[[paste(1, cause)]]
    z <- timepoints(curves[paste(1, cause)], at)
    p <- c(z$est); se <- sqrt(c(z$var))
    limits <- log_log(p, se)
    add("cumulative_incidence", cohort, list(time = causes_of[[cohort]], cause = "cause"), list(at = I(at), causes = I(cause), variance = "aalen"),
      list(cumulative_incidence = I(p), std_error = I(se), ci_lower = I(pmin(limits$ci_lower, limits$ci_upper)), ci_upper = I(pmax(limits$ci_lower, limits$ci_upper))), source = "cuminc")
  }
}
for (cohort in c(names(causes_of), "near_equal")) {
  d <- cohorts[[cohort]]; time <- d[[if (cohort == "near_equal") "time" else causes_of[[cohort]]]]
  levels <- sort(setdiff(unique(d$cause), 0))
  f <- survfit(Surv(time, factor(d$cause, c(0, levels))) ~ 1, conf.type = "log-log")
  for (i in seq_along(levels)) {
    columns <- list(time = if (cohort == "near_equal") "time" else causes_of[[cohort]], cause = "cause")
    add("cumulative_incidence", cohort, columns, list(causes = I(levels[i]), variance = "jackknife"), sampled(data.frame(
      time = f$time, cumulative_incidence = f$pstate[, i + 1], std_error = f$std.err[, i + 1], ci_lower = f$lower[, i + 1], ci_upper = f$upper[, i + 1])), source = "survfit")
  }
}
add_gray <- function(cohort, group, time = causes_of[[cohort]], strata = NULL, rho = 0) {
  d <- cohorts[[cohort]]
  arguments <- list(ftime = d[[time]], fstatus = d$cause, group = d[[group]], rho = rho)
  if (!is.null(strata)) arguments$strata <- d[[strata]]
  tests <- do.call(cuminc, arguments)$Tests
  for (cause in rownames(tests)) {
    statistic <- tests[cause, "stat"]; df <- tests[cause, "df"]
    add("gray_test", cohort, c(list(time = time, cause = "cause", group = group), if (!is.null(strata)) list(strata = strata)),
      list(cause_of_interest = as.integer(cause), rho = rho), list(statistic = statistic, df = df, p_value = pchisq(statistic, df, lower.tail = FALSE)))
  }
}
add_gray("mgus2", "sex"); add_gray("pbc", "sex"); add_gray("pbc", "edema"); add_gray("bmt", "group"); add_gray("bmt_shuffled", "group")
add_gray("bmt", "z8", strata = "group"); add_gray("mixed", "group"); add_gray("mixed", "group", rho = 1); add_gray("mixed", "group", strata = "stratum")
add_gray("tied", "group", "time"); add_gray("mgus2", "sex", rho = 1)
add_crr <- function(cohort, covariates, time = causes_of[[cohort]], cause = 1) {
  d <- complete(cohorts[[cohort]])
  stopifnot(nrow(d) == nrow(cohorts[[cohort]]))
  x <- as.matrix(d[covariates])
  f <- crr(d[[time]], d$cause, x, failcode = cause, gtol = 1e-13, maxiter = 60)
  add("fine_gray", cohort, list(time = time, cause = "cause"), list(cause_of_interest = cause), list(coefficient = I(unname(f$coef)),
    std_error = I(sqrt(diag(f$var))), log_likelihood = f$loglik, log_likelihood_null = f$loglik.null), covariates = I(covariates))
}
add_crr("mgus2", "age"); add_crr("mgus2", c("age", "mspike")); add_crr("mgus2", c("age", "male"), cause = 2)
add_crr("pbc", c("male", "edema")); add_crr("pbc", "edema", cause = 2); add_crr("bmt", c("z1", "z2", "z8")); add_crr("bmt", "z8", cause = 2)
add_crr("bmt", "z1", time = "months"); add_crr("mixed", c("weight", "count")); add_crr("mixed", "stratum", cause = 2); add_crr("mixed", "weight", time = "fine")
freeze(cases, "competing_risks.json")
