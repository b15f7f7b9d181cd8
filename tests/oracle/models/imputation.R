# Writes imputation.json: fits to data sets completed by mice, pooled by mice; and the pooled estimates of a long
# run of mice, which another implementation of the same method must meet within its own Monte Carlo error.
source("common.R")
suppressPackageStartupMessages(library(mice))
frame <- with(survival::lung, data.frame(time, event = status - 1, age, female = sex - 1, ph.karno, wt.loss, meal.cal,
  ecog = pmin(ph.ecog, 2)))
frame$hazard <- nelsonaalen(frame, time, event)  # by name; Efron's variant of it, as basehaz
curve <- survfit(Surv(time, event) ~ 1, frame, ctype = 1)
nelson_aalen <- curve$cumhaz[match(frame$time, curve$time)]
impute <- function(m, seed) {
  use <- make.predictorMatrix(frame)
  use[, "time"] <- 0
  suppressWarnings(mice(frame, m = m, maxit = 10, predictorMatrix = use, seed = seed, printFlag = FALSE))
}
columns <- c("ph.karno", "wt.loss", "meal.cal", "ecog")
short <- impute(5, 1)
filled <- lapply(1:5, function(k) lapply(mice::complete(short, k)[columns], I))
long <- impute(80, 2)
pooled_of <- function(imputed, terms) {
  f <- stats::as.formula(paste("Surv(time, event) ~", paste(terms, collapse = " + ")))
  fits <- lapply(seq_len(imputed$m), function(k) coxph(f, mice::complete(imputed, k), control = tight))
  p <- pool(as.mira(fits), dfcom = fits[[1]]$nevent - length(terms))$pooled
  list(coefficient = I(p$estimate), std_error = I(sqrt(p$t)), df = I(p$df), relative_increase = I(p$riv),
    fraction_missing = I(p$fmi), between = I(p$b))
}
for (terms in list("wt.loss", c("age", "female"), c("age", "female", "ph.karno"), c("age", "ecog", "meal.cal"),
  c("age", "female", "ph.karno", "wt.loss", "meal.cal", "ecog"), c("meal.cal", "wt.loss"))) {
  model <- list(time = "time", event = "event", terms = I(terms))
  add("pool", "completed", model, pooled_of(short, terms))
  add("impute", "incomplete", model, pooled_of(long, terms))
}
freeze(list(incomplete = lapply(frame[names(frame) != "hazard"], I), hazard = I(nelson_aalen), completed = filled, cases = cases),
  file.path(target(), "imputation.json"))
