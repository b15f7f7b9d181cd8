# Writes frailty.json: gamma and normal frailty at fixed and at estimated variance.
source("common.R")
model <- function(terms, group, time = "time", event = "event", ...)
  list(time = time, event = event, terms = I(terms), group = group, ...)

loose <- coxph.control(eps = 1e-16, toler.chol = 1e-17, iter.max = 500, outer.max = 60)
fit_frailty <- function(cohort, m, call) {
  base <- as_formula(m[setdiff(names(m), "group")])
  f <- stats::update(base, stats::as.formula(paste("~ . +", call)))
  ties <- if (is.null(m$ties)) "efron" else m$ties
  suppressWarnings(coxph(f, cohorts[[cohort]], ties = ties, control = loose))
}
for (pair in list(
  list("kidney", model(c("age", "female"), "id")), list("kidney", model(c("age", "female", "disease"), "id")),
  list("kidney", model("female", "id", ties = "breslow")), list("lung", model(c("age", "female"), "inst")),
  list("bmt", model(c("group", "z1"), "hospital")), list("colon", model(c("rx", "age"), "nodes")),
  list("heart", model(c("age", "transplant"), "surgery", time = "stop", entry = "start")),
  list("edge", model(c("x", "z"), "id")), list("edge", model("x", "g")), list("veteran", model(c("karno", "trt"), "celltype")))) {
  m <- pair[[2]]
  for (distribution in c("gamma", "gaussian")) for (theta in list(0.2, 1, NULL)) {
    options <- if (is.null(theta)) { if (distribution == "gamma") ", eps = 1e-14" else ", eps = 1e-11" } else sprintf(", theta = %g", theta)
    fit <- try(fit_frailty(pair[[1]], m, sprintf("frailty.%s(%s%s)", distribution, m$group, options)), silent = TRUE)
    if (inherits(fit, "try-error")) next
    k <- length(fit$history)
    p <- length(coef(stats::lm(stats::reformulate(m$terms, m$time), cohorts[[pair[[1]]]]))) - 1
    history <- fit$history[[k]]
    used <- if (is.null(theta)) history$history[nrow(history$history), 1] else theta
    frail <- if (is.null(fit$frail)) unname(coef(fit)[-seq_len(p)]) else fit$frail
    add("frailty", pair[[1]], m, list(coefficient = I(unname(coef(fit))[seq_len(p)]),
      std_error = I(sqrt(diag(as.matrix(fit$var))[seq_len(p)])), log_likelihood = I(fit$loglik), frailty = I(sort(unname(frail))),
      variance = unname(used), integrated = if (distribution == "gamma") unname(history$c.loglik) else NULL),
      distribution = distribution, theta = theta)
  }
}
freeze(cases, file.path(target(), "frailty.json"))
