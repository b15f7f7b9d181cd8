# Writes proportional_hazards.json: the score test of cox.zph (survival >= 3.0) and scaled Schoenfeld residuals.
source("common.R")
model <- function(terms, time = "time", event = "event", ...) list(time = time, event = event, terms = I(terms), ...)
models <- list(
  list("lung", model(c("age", "female", "ecog"))), list("lung", model(c("age", "female"), ties = "breslow")),
  list("lung", model(c("age", "ph.karno"), strata = "female")), list("mgus2", model(c("age", "sex", "hgb"))),
  list("mgus2", model(c("age", "creat"), strata = "sex")), list("mgus2", model(c("age", "sex"), weights = "hgb")),
  list("kidney", model(c("age", "female", "disease"))), list("kidney", model(c("age", "female"), cluster = "id")),
  list("veteran", model(c("trt", "celltype", "karno"))), list("veteran", model(c("trt", "karno"), strata = "celltype")),
  list("veteran", model(c("trt", "celltype", "karno"), ties = "breslow")),
  list("veteran", model(c("trt", "karno"), interactions = list(c("trt", "karno")))),
  list("pbc", model(c("age", "edema", "bili", "stage"))), list("colon", model(c("rx", "nodes", "differ"))),
  list("heart", model(c("age", "surgery", "transplant"), time = "stop", entry = "start")),
  list("heart", model(c("age", "transplant"), time = "stop", entry = "start", strata = "surgery")),
  list("myeloma", model("year", entry = "entry")), list("myeloma", model("decade", entry = "entry")),
  list("bmt", model(c("group", "z1", "z2"))), list("bmt", model(c("group", "z1"), strata = "hospital")),
  list("bmt", model(c("group", "z8"), cluster = "hospital")), list("edge", model(c("x", "z", "g"))),
  list("edge", model(c("x", "z"), time = "end", entry = "entry", strata = "s", weights = "w")))
for (pair in models) {
  fit <- fit_r(pair[[1]], pair[[2]])
  for (transform in c("km", "identity", "rank", "log")) {
    if (transform == "log" && pair[[1]] == "edge" && pair[[2]]$time == "time") next  # an event at time 0
    z <- cox.zph(fit, transform = transform)
    add("cox_zph", pair[[1]], pair[[2]], list(statistic = I(unname(z$table[, 1])), df = I(unname(z$table[, 2])),
      p_value = I(unname(z$table[, 3])), x = sample_of(z$x), y = sample_of(z$y)), transform = transform)
  }
}
freeze(cases, file.path(target(), "proportional_hazards.json"))
