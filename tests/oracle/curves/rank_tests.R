# Log-rank family: survdiff where it reaches, its definition as plain sums where it does not.
source("common.R")

# The definition, one event time after the other. Checked against survdiff and coxph below, before it is used.
by_definition <- function(time, event, group, strata = rep(1, length(time)), entry = rep(-1, length(time)), weight = function(n, d, s, peto) 1) {
  fixed <- aeqSurv(Surv(time, event)); time <- fixed[, 1]
  levels <- sort(unique(group)); k <- length(levels)
  observed <- expected <- rep(0, k); variance <- matrix(0, k, k)
  for (stratum in unique(strata)) {
    s <- 1; peto <- 1
    for (t in sort(unique(time[strata == stratum & event == 1]))) {
      at_risk <- strata == stratum & entry < t & time >= t
      dies <- at_risk & time == t & event == 1
      n <- sum(at_risk); d <- sum(dies)
      nk <- sapply(levels, function(g) sum(at_risk & group == g)); dk <- sapply(levels, function(g) sum(dies & group == g))
      peto <- peto * (1 - d / (n + 1))
      w <- weight(n, d, s, peto)
      observed <- observed + w * dk; expected <- expected + w * d * nk / n
      if (n > 1) variance <- variance + w^2 * d * (n - d) / (n - 1) * (diag(nk / n, k) - outer(nk, nk) / n^2)
      s <- s * (1 - d / n)
    }
  }
  keep <- which(expected > 0)[-1]
  difference <- observed - expected
  chisq <- sum(solve(variance[keep, keep, drop = FALSE], difference[keep]) * difference[keep])
  list(observed = observed, expected = expected, variance = variance, chisq = chisq, df = length(keep))
}
weights <- list(
  logrank = function(rho, gamma) function(n, d, s, peto) 1,
  gehan = function(rho, gamma) function(n, d, s, peto) n,
  `tarone-ware` = function(rho, gamma) function(n, d, s, peto) sqrt(n),
  peto = function(rho, gamma) function(n, d, s, peto) peto,
  `fleming-harrington` = function(rho, gamma) function(n, d, s, peto) s^rho * (1 - s)^gamma)
for (cohort in c("veteran", "mixed")) {
  d <- cohorts[[cohort]]; d$g <- if (cohort == "mixed") d$group else d$celltype; d$s <- if (cohort == "mixed") d$stratum else d$prior
  for (rho in 0:1) {
    mine <- by_definition(d$time, d$event, d$g, d$s, weight = weights[["fleming-harrington"]](rho, 0))
    stopifnot(all.equal(mine$chisq, survdiff(Surv(time, event) ~ g + strata(s), data = d, rho = rho)$chisq))
  }
}
fine <- cohorts$mixed
untied <- coxph(Surv(entry, fine, event) ~ group + strata(stratum), data = fine, ties = "breslow")
stopifnot(!anyDuplicated(fine$fine[fine$event == 1]), all.equal(untied$score, by_definition(fine$fine, fine$event, fine$group, fine$stratum, fine$entry)$chisq))

result <- function(chisq, df) list(statistic = chisq, df = df, p_value = pchisq(chisq, df, lower.tail = FALSE))
add_survdiff <- function(cohort, columns, rho = NULL) {
  d <- cohorts[[cohort]]
  d$time_ <- d[[columns$time]]; d$event_ <- d[[columns$event]]; d$group_ <- d[[columns$group]]
  formula <- Surv(time_, event_) ~ group_
  if (!is.null(columns$strata)) { d$strata_ <- d[[columns$strata]]; formula <- Surv(time_, event_) ~ group_ + strata(strata_) }
  s <- survdiff(formula, data = d, rho = if (is.null(rho)) 0 else rho)
  options <- if (is.null(rho)) list() else list(weighting = "fleming-harrington", rho = rho)
  df <- sum(rowSums(as.matrix(s$exp)) > 0) - 1
  add("logrank", cohort, columns, options, result(s$chisq, df), source = "survdiff")
  if (is.null(rho)) add("observed_expected", cohort, columns, list(), list(observed = I(rowSums(as.matrix(s$obs))),
    expected = I(rowSums(as.matrix(s$exp))), variance = I(diag(as.matrix(s$var)))))
}
with_group <- function(group, strata = NULL, time = "time", event = "event") c(list(time = time, event = event, group = group), if (!is.null(strata)) list(strata = strata))
plain <- list(flchain = "group", lung = "sex", mgus2 = "sex", kidney = "disease", veteran = "celltype", aml = "x", ovarian = "rx", colon = "rx",
  bmt = "group", alloauto = "type", larynx = "stage", tongue = "type", all_events = "group", time_zero = "group", tied = "group",
  near_equal = "group", mixed = "group", one_group_late = "group")
for (cohort in names(plain)) add_survdiff(cohort, with_group(plain[[cohort]]))
for (cohort in c("lung", "veteran", "bmt", "time_zero", "mixed")) for (rho in c(1, 0.5)) add_survdiff(cohort, with_group(plain[[cohort]]), rho)
add_survdiff("lung", with_group("sex", "ecog")); add_survdiff("veteran", with_group("celltype", "prior")); add_survdiff("colon", with_group("rx", "sex"))
add_survdiff("bmt", with_group("z8", "group")); add_survdiff("hodg", with_group("gtype", "dtype")); add_survdiff("mixed", with_group("group", "stratum"))
add_survdiff("mixed", with_group("group", "stratum"), 1); add_survdiff("bmt", with_group("group", "hospital"))

add_definition <- function(cohort, columns, weighting, rho = 0, gamma = 0) {
  d <- cohorts[[cohort]]; n <- nrow(d)
  entry <- if (is.null(columns$entry)) rep(-1, n) else d[[columns$entry]]
  strata <- if (is.null(columns$strata)) rep(1, n) else d[[columns$strata]]
  r <- by_definition(d[[columns$time]], d[[columns$event]], d[[columns$group]], strata, entry, weights[[weighting]](rho, gamma))
  options <- c(list(weighting = weighting), if (weighting == "fleming-harrington") list(rho = rho, gamma = gamma))
  add("logrank", cohort, columns, options, result(r$chisq, r$df), source = "definition")
}
for (cohort in c("lung", "veteran", "bmt", "time_zero", "mixed")) {
  for (weighting in c("gehan", "tarone-ware", "peto")) add_definition(cohort, with_group(plain[[cohort]]), weighting)
  add_definition(cohort, with_group(plain[[cohort]]), "fleming-harrington", 0, 1)
  add_definition(cohort, with_group(plain[[cohort]]), "fleming-harrington", 0.5, 0.5)
}
entered <- function(group, strata = NULL, time = "time") c(with_group(group, strata, time), entry = "entry")
add_definition("channing", entered("gender"), "logrank"); add_definition("myeloma", entered("decade"), "logrank")
add_definition("delayed", entered("group"), "logrank"); add_definition("delayed", entered("group"), "gehan")
add_definition("mixed", entered("group", "stratum", "exit"), "logrank"); add_definition("mixed", entered("group", NULL, "exit"), "peto")
add("logrank", "mixed", entered("group", "stratum", "fine"), list(), result(untied$score, 2), source = "coxph")

add_trend <- function(cohort, columns, scores = NULL) {
  d <- cohorts[[cohort]]; d$time_ <- d[[columns$time]]; d$event_ <- d[[columns$event]]; d$group_ <- d[[columns$group]]
  s <- survdiff(Surv(time_, event_) ~ group_, data = d)
  a <- if (is.null(scores)) seq_along(s$obs) else scores
  chisq <- sum(a * (s$obs - s$exp))^2 / c(a %*% s$var %*% a)
  add("logrank_trend", cohort, columns, if (is.null(scores)) list() else list(scores = scores), result(chisq, 1))
}
add_trend("flchain", with_group("group")); add_trend("larynx", with_group("stage")); add_trend("bmt", with_group("group")); add_trend("lung", with_group("ecog"))
add_trend("veteran", with_group("celltype")); add_trend("larynx", with_group("stage"), c(0, 1, 3, 10)); add_trend("mixed", with_group("group"), c(2, 1, 5))

methods <- c(holm = "holm", hochberg = "hochberg", bonferroni = "bonferroni", "benjamini-hochberg" = "BH", none = "none")
raw <- list(c(0.01, 0.04, 0.03, 0.2), c(0.5, NA, 0.001, 0.02, 0.02), 0.03)
for (name in names(methods)) for (p in raw) add("adjust_p_values", NULL, list(), list(p_values = I(p), method = name), list(adjusted = I(p.adjust(p, methods[[name]]))))
freeze(cases, "rank_tests.json")
