# Writes landmark.json: landmark models, and time-dependent covariates by tmerge, on the transplant cohort and jasa-like data.
source("common.R")
frame <- cohorts$bmt
frame$id <- seq_len(nrow(frame))
states <- list(acute = "ta", chronic = "tc", platelets = "tp")
coefficients_of <- function(fit) list(n = fit$n, n_events = fit$nevent, coefficient = I(unname(coef(fit))),
  std_error = I(unname(sqrt(diag(fit$var)))), log_likelihood = I(fit$loglik))
for (outcome in list(c("time", "event"), c("t1", "dead"))) for (state in names(states)) {
  began <- ifelse(frame[[state]] == 1, frame[[states[[state]]]], NA)
  frame$end <- frame[[outcome[1]]]; frame$died <- frame[[outcome[2]]]
  for (landmark in c(30, 60, 100, 200)) {
    kept <- frame[frame$end > landmark, ]
    kept$known <- as.integer(!is.na(began[frame$end > landmark]) & began[frame$end > landmark] <= landmark)
    kept$end <- kept$end - landmark
    if (length(unique(kept$known)) < 2) next
    fit <- coxph(Surv(end, died) ~ known + z1, kept, control = tight)
    add("landmark", "bmt", list(time = outcome[1], event = outcome[2], state = state, began = states[[state]]),
      coefficients_of(fit), landmark = landmark)
  }
  long <- tmerge(frame, frame, id = id, dies = event(end, died))
  changed <- data.frame(id = frame$id, at = began)[!is.na(began), ]
  long <- tmerge(long, changed, id = id, state = tdc(at))
  for (terms in list("state", c("state", "z1", "group"))) {
    fit <- coxph(stats::as.formula(paste("Surv(tstart, tstop, dies) ~", paste(terms, collapse = "+"))), long, control = tight)
    add("time_dependent", "bmt", list(time = outcome[1], event = outcome[2], state = state, began = states[[state]],
      terms = I(terms)), coefficients_of(fit))
  }
}
freeze(cases, file.path(target(), "landmark.json"))
