# Writes cox.json: coefficients, variances, likelihoods, tests, concordance.
source("common.R")

model <- function(terms, time = "time", event = "event", ...) list(time = time, event = event, terms = I(terms), ...)
coefficients_of <- function(fit) {
  keep <- !is.na(coef(fit))
  v <- fit$var
  list(n = fit$n, n_events = fit$nevent, coefficient = I(unname(coef(fit))),
    std_error = I(ifelse(keep, sqrt(diag(v)), NA)), log_likelihood = I(fit$loglik),
    likelihood_ratio = 2 * diff(fit$loglik), wald = unname(fit$wald.test), score = unname(fit$score),
    df = sum(keep), concordance = unname(fit$concordance["concordance"]),
    concordance_std_error = unname(fit$concordance["std"]))
}
models <- list(
  list("lung", model("female")), list("lung", model(c("age", "female", "ecog"))),
  list("lung", model(c("age", "female", "ecog"), ties = "breslow")),
  list("lung", model(c("age", "ph.karno"), strata = "female")),
  list("lung", model(c("age", "female", "wt.loss"), cluster = "inst")),
  list("lung", model(c("age", "female"), strata = c("female", "ecog"), ties = "breslow")),
  list("lung", model(c("age", "female", "ecog"), interactions = list(c("age", "female")))),
  list("mgus2", model(c("age", "sex"))), list("mgus2", model(c("age", "sex", "hgb", "creat", "mspike"))),
  list("mgus2", model(c("age", "hgb"), strata = "sex")),
  list("mgus2", model(c("age", "sex", "hgb"), ties = "breslow")),
  list("mgus2", model(c("age", "sex", "creat"), weights = "hgb")),
  list("mgus2", model(c("age", "sex"), interactions = list(c("age", "sex")))),
  list("kidney", model(c("age", "female", "disease"))), list("kidney", model(c("age", "female"), cluster = "id")),
  list("kidney", model(c("age", "female", "disease"), cluster = "id", ties = "breslow")),
  list("kidney", model(c("age", "female"), weights = "frail")),
  list("kidney", model(c("age", "female"), weights = "frail", cluster = "id")),
  list("kidney", model("female", strata = "disease", cluster = "id")),
  list("veteran", model(c("trt", "celltype", "karno", "diagtime", "age", "prior"))),
  list("veteran", model(c("trt", "celltype", "karno"), ties = "breslow")),
  list("veteran", model(c("trt", "karno", "age"), strata = "celltype")),
  list("veteran", model(c("trt", "karno", "celltype"), interactions = list(c("karno", "celltype")))),
  list("veteran", model(c("trt", "celltype"), interactions = list(c("trt", "celltype")))),
  list("pbc", model(c("age", "sex", "edema", "bili", "albumin", "protime", "stage"))),
  list("pbc", model(c("age", "edema", "bili"), strata = "stage")),
  list("pbc", model(c("age", "bili", "albumin"), cluster = "stage")),
  list("pbc", model(c("trt", "bili"), strata = c("sex", "edema"), ties = "breslow")),
  list("colon", model(c("rx", "sex", "age", "obstruct", "nodes", "differ"))),
  list("colon", model(c("rx", "nodes"), strata = "differ")),
  list("colon", model(c("rx", "node4"), interactions = list(c("rx", "node4")))),
  list("colon", model(c("rx", "age"), weights = "age", cluster = "nodes")),
  list("heart", model(c("age", "year", "surgery", "transplant"), time = "stop", entry = "start")),
  list("heart", model(c("age", "year", "surgery", "transplant"), time = "stop", entry = "start", cluster = "id")),
  list("heart", model(c("age", "transplant"), time = "stop", entry = "start", strata = "surgery")),
  list("heart", model(c("age", "transplant"), time = "stop", entry = "start", ties = "breslow",
    interactions = list(c("age", "transplant")))),
  list("myeloma", model("year", entry = "entry")), list("myeloma", model("decade", entry = "entry")),
  list("myeloma", model("year", entry = "entry", strata = "decade")),
  list("myeloma", model("year", entry = "entry", cluster = "decade")),
  list("myeloma", model("year", entry = "entry", ties = "breslow")), list("myeloma", model("year")),
  list("bmt", model(c("group", "z1", "z2"))), list("bmt", model(c("group", "z8"), strata = "hospital")),
  list("bmt", model(c("group", "z1", "z8"), cluster = "hospital")),
  list("bmt", model(c("group", "z8", "z10"), ties = "breslow")),
  list("bmt", model(c("z1", "z2", "group"), interactions = list(c("z1", "z2")))),
  list("book1", model("x")), list("book1", model("x", ties = "breslow")),
  list("book2", model("x", time = "stop", entry = "start")),
  list("book2", model("x", time = "stop", entry = "start", ties = "breslow")),
  list("book3", model("x", weights = "wt")), list("book3", model("x", weights = "wt", ties = "breslow")),
  list("edge", model(c("x", "z", "g"))), list("edge", model(c("x", "z", "g"), ties = "breslow")),
  list("edge", model(c("x", "z"), time = "end", entry = "entry")),
  list("edge", model(c("x", "z"), time = "end", entry = "entry", ties = "breslow", strata = "s")),
  list("edge", model(c("x", "z", "g"), time = "end", entry = "entry", weights = "w", strata = "s", cluster = "id")),
  list("edge", model(c("x", "g"), weights = "w", cluster = "id", strata = "s")),
  list("edge", model(c("x", "g"), weights = "k")), list("edge", model(c("x", "z"), weights = "k", cluster = "id")),
  list("edge", model(c("x", "z", "copy"))), list("edge", model(c("x", "one", "z"))),
  list("edge", model(c("x", "z"), time = "near")), list("edge", model(c("x", "s"), strata = "s")),
  list("edge", model("x", interactions = list())))

for (pair in models) {
  fit <- fit_r(pair[[1]], pair[[2]])
  add("coxph", pair[[1]], pair[[2]], coefficients_of(fit))
}

# Monotone likelihood: what is finite agrees with R, what is not is recognized.
for (m in list(model("g"), model(c("x", "g")), model(c("g", "z")))) {
  fit <- fit_r("separated", m)
  add("monotone", "separated", m, list(coefficient = I(unname(coef(fit))), std_error = I(unname(sqrt(diag(fit$var)))),
    log_likelihood = I(fit$loglik)))
}
fit <- fit_r("one_event", model("x"))
add("monotone", "one_event", model("x"), list(coefficient = I(unname(coef(fit))), std_error = I(sqrt(diag(fit$var))),
  log_likelihood = I(fit$loglik)))

# Concordance of a marker, with ties and strata.
for (p in list(list("lung", "age", NULL), list("lung", "ph.karno", NULL), list("mgus2", "hgb", "sex"),
  list("pbc", "bili", "stage"), list("edge", "z", NULL), list("edge", "x", "s"))) {
  data <- cohorts[[p[[1]]]]
  f <- stats::as.formula(paste("Surv(time, event) ~", p[[2]], if (is.null(p[[3]])) "" else sprintf("+ strata(%s)", p[[3]])))
  r <- concordance(f, data, reverse = TRUE)
  add("concordance", p[[1]], list(marker = p[[2]], strata = p[[3]]),
    list(concordance = r$concordance, std_error = sqrt(r$var)))
}
freeze(cases, file.path(target(), "cox.json"))
