# Freezes what R says about centers as strata: run in this folder, `Rscript stratified.R`, after `pfs.csv` has changed.
suppressPackageStartupMessages({library(survival); library(jsonlite)})
tight <- coxph.control(eps = 1e-14, iter.max = 60, toler.chol = 1e-14)

embedded <- read.csv("frozen/pfs.csv", stringsAsFactors = FALSE)
embedded$frontline_pathway <- factor(embedded$frontline_pathway, levels = c("ASCT, no lenalidomide maintenance",
  "ASCT, lenalidomide maintenance", "no ASCT"))
embedded$second_line_krd <- factor(embedded$second_line_krd, levels = c("KRd", "other"))
embedded$ecog_2_or_more <- factor(embedded$ecog_2_or_more, levels = c("0-1", ">=2"))
lung <- with(survival::lung, data.frame(center = inst, days = time, event = status - 1,
  sex = factor(sex), ecog = factor(ph.ecog)))
lung <- lung[complete.cases(lung) & lung$ecog != 3, ]
lung$ecog <- droplevels(lung$ecog)
veteran <- with(survival::veteran, data.frame(center = as.character(celltype), days = time, event = status,
  trt = factor(trt), prior = factor(prior)))

stratified <- function(data, terms) {
  used <- data[complete.cases(data[terms]), ]
  right <- paste(terms, collapse = " + ")
  fit <- coxph(as.formula(paste("Surv(days, event) ~", right, "+ strata(center)")), used, control = tight)
  test <- cox.zph(fit, transform = "identity")$table
  compare <- survdiff(as.formula(paste("Surv(days, event) ~", terms[length(terms)], "+ strata(center)")), used)
  list(terms = I(terms), levels = lapply(used[terms], levels), n = fit$n, n_events = fit$nevent,
    coefficient = I(unname(coef(fit))), std_error = I(unname(sqrt(diag(vcov(fit))))), log_likelihood = I(fit$loglik),
    zph = I(unname(test[, "chisq"])), logrank = compare$chisq,
    data = used[c("center", "days", "event", terms)])
}
weekly <- transform(embedded, week = ceiling(days / 7))
curve <- summary(survfit(Surv(week, event) ~ 1, weekly, conf.type = "log-log"), times = c(26, 52, 78))
by_krd <- survdiff(Surv(week, event) ~ second_line_krd, weekly)
primary <- c("frontline_pathway", "second_line_krd", "ecog_2_or_more")
frozen <- list(
  embedded = stratified(embedded, primary),
  lung = stratified(lung, c("sex", "ecog")),
  veteran = stratified(veteran, c("trt", "prior")),
  weekly = list(survival = I(curve$surv), lower = I(curve$lower), upper = I(curve$upper), logrank = by_krd$chisq))
writeLines(toJSON(frozen, auto_unbox = TRUE, digits = NA, na = "null"), "frozen/stratified.json")
