# Shared by the scripts that freeze R's numbers: the cohorts, and how a case is written.
suppressPackageStartupMessages({library(survival); library(cmprsk); library(jsonlite)})
options(warn = 1)

complete <- function(frame) {
  frame <- frame[stats::complete.cases(frame), , drop = FALSE]
  rownames(frame) <- NULL
  frame
}

# Real cohorts of Debian's R packages.
cohorts <- list()
cohorts$lung <- complete(with(survival::lung, data.frame(time, event = status - 1, sex, ecog = ph.ecog)))
cohorts$mgus2 <- complete(with(survival::mgus2, data.frame(
  time = futime, event = death, sex, ptime, cause = ifelse(pstat == 1, 1, 2 * death),
  first = ifelse(pstat == 1, ptime, futime), age, mspike)))
cohorts$mgus <- complete(with(survival::mgus, data.frame(time = futime, event = death, sex, age)))
cohorts$kidney <- with(survival::kidney, data.frame(time, event = status, sex, disease = as.character(disease), id))
cohorts$veteran <- with(survival::veteran, data.frame(time, event = status, trt, celltype = as.character(celltype), prior))
cohorts$aml <- with(survival::aml, data.frame(time, event = status, x = as.character(x)))
cohorts$ovarian <- with(survival::ovarian, data.frame(time = futime, event = fustat, rx))
cohorts$pbc <- with(survival::pbc, data.frame(time, cause = c(0, 2, 1)[status + 1], sex, edema))
cohorts$colon <- with(survival::colon[survival::colon$etype == 2, ], data.frame(time, event = status, rx = as.character(rx), sex))
cohorts$flchain <- with(survival::flchain, data.frame(time = futime, event = death, group = flc.grp))
cohorts$myeloma <- with(survival::myeloma, data.frame(entry, time = futime, event = death, decade = pmin(pmax(year %/% 10, 5), 8)))
cohorts$myeloma <- subset(cohorts$myeloma, entry < time)
data(bmt, alloauto, larynx, channing, tongue, hodg, package = "KMsurv", envir = environment())
cohorts$bmt <- with(bmt, data.frame(time = t2, event = d3, group, cause = ifelse(d2 == 1, 1, 2 * d1), z1, z2, z8, hospital = z9, months = t2 / 30.4375))
cohorts$alloauto <- with(alloauto, data.frame(time, event = delta, type))
cohorts$larynx <- with(larynx, data.frame(time, event = delta, stage, age))
cohorts$channing <- subset(with(channing, data.frame(entry = ageentry, time = age, event = death, gender)), entry < time)
cohorts$tongue <- with(tongue, data.frame(time, event = delta, type))
cohorts$hodg <- with(hodg, data.frame(time, event = delta, gtype, dtype))
for (decade in 5:8) cohorts[[paste0("myeloma", decade)]] <- cohorts$myeloma[cohorts$myeloma$decade == decade, c("entry", "time", "event")]
for (sex in c("F", "M")) cohorts[[paste0("mgus_", sex)]] <- cohorts$mgus[toupper(substr(cohorts$mgus$sex, 1, 1)) == sex, c("time", "event")]
for (type in 1:2) cohorts[[paste0("alloauto", type)]] <- cohorts$alloauto[cohorts$alloauto$type == type, c("time", "event")]
cohorts$aml_maintained <- cohorts$aml[cohorts$aml$x == "Maintained", c("time", "event")]
cohorts$bmt_shuffled <- cohorts$bmt[c(seq(137, 1, by = -3), seq(136, 1, by = -3), seq(135, 1, by = -3)), c("time", "event", "cause", "group")]

# Edge tables: small enough to follow by hand.
edge <- function(time, event, ...) data.frame(time = time, event = event, ...)
cohorts$one_event <- edge(3, 1)
cohorts$one_censored <- edge(3, 0)
cohorts$all_censored <- edge(c(1, 2, 2, 5), 0, group = c("a", "b", "a", "b"))
cohorts$all_events <- edge(c(2, 1, 4, 3), 1, group = c("a", "b", "a", "b"))
cohorts$time_zero <- edge(c(0, 0, 1, 2, 0, 3), c(1, 0, 1, 1, 0, 0), group = c("a", "b", "a", "b", "a", "b"), cause = c(1, 0, 1, 2, 0, 0))
cohorts$zero_first <- edge(c(0, 1, 2, 3), c(1, 1, 1, 0), cause = c(1, 1, 2, 0))
cohorts$tied <- edge(c(2, 2, 2, 4, 4, 6, 6, 6), c(1, 0, 1, 0, 1, 1, 1, 0), group = c("a", "a", "b", "b", "a", "b", "a", "b"), cause = c(1, 0, 2, 0, 1, 2, 1, 0))
cohorts$half_falling <- edge(c(1, 2, 3, 4), c(1, 1, 0, 1))
cohorts$half_at_end <- edge(c(1, 2, 3, 10), c(1, 1, 0, 0))
cohorts$half_rounding <- edge(1:22, rep(1:0, each = 11))
cohorts$half_rounding_falling <- edge(1:58, rep(1, 58))
cohorts$quarter_flat <- edge(c(1, 2, 3, 4, 5, 6, 7, 8), c(1, 1, 0, 0, 1, 1, 0, 1))
cohorts$ends_at_zero <- edge(c(1, 2, 3, 4, 5), c(0, 1, 1, 0, 1))
cohorts$near_equal <- edge(c(0.3, 0.1 + 0.2, 0.7, 0.1 * 7, 1.1, 1.1 + 1e-9, 2), c(1, 1, 1, 0, 0, 1, 0), group = c("a", "b", "a", "b", "a", "b", "a"), cause = c(1, 2, 1, 0, 0, 1, 0))
cohorts$delayed <- edge(c(5, 6, 6, 9, 12, 12, 15), c(1, 1, 0, 1, 0, 1, 1), entry = c(0, 2, 5, 6, 3, 9, 1), group = c("a", "b", "a", "b", "a", "b", "a"))
cohorts$empties_early <- edge(c(1, 2, 5, 6, 7), c(1, 1, 1, 0, 1), entry = c(0, 0, 3, 3, 4))
set.seed(62)
n <- 48
cohorts$mixed <- edge(sample(0:9, n, TRUE), rbinom(n, 1, 0.6), group = sample(c("a", "b", "c"), n, TRUE), stratum = sample(1:3, n, TRUE),
  weight = round(runif(n, 0.3, 2.5), 2), count = sample(1:4, n, TRUE), cause = 0)
cohorts$mixed$cause <- cohorts$mixed$event * sample(1:3, n, TRUE, prob = c(0.5, 0.3, 0.2))
cohorts$mixed$exit <- cohorts$mixed$time + 1
cohorts$mixed$entry <- pmax(0, cohorts$mixed$exit - sample(1:6, n, TRUE))
cohorts$mixed$fine <- cohorts$mixed$exit + round(runif(n), 3)
cohorts$one_group_late <- edge(c(1, 2, 3, 8, 9, 10), c(1, 1, 0, 1, 1, 0), group = c("a", "b", "b", "a", "a", "a"))
cohorts$no_overlap <- edge(c(1, 2, 8, 9), c(1, 0, 1, 1), group = c("a", "a", "b", "b"), entry = c(0, 0, 5, 5))
cohorts$mgus2$male <- as.integer(cohorts$mgus2$sex == "M")
cohorts$pbc$male <- as.integer(cohorts$pbc$sex == "m")
for (name in names(cohorts)) rownames(cohorts[[name]]) <- NULL

# A case names columns of a cohort and plain options; both go to the function of the same name in Python.
cases <- list()
vector_like <- function(x) if (is.null(x)) NULL else if (length(x) != 1 || is.list(x)) I(x) else x
add <- function(operation, cohort = NULL, columns = list(), options = list(), expected, ...) {
  number <- length(cases) + 1
  cases[[number]] <<- list(id = sprintf("%s-%s-%03d", operation, if (is.null(cohort)) "numbers" else cohort, number),
    operation = operation, cohort = cohort, columns = as_object(columns), options = as_object(lapply(options, vector_like)),
    expected = as_object(expected))
  extra <- list(...)
  for (name in names(extra)) cases[[number]][[name]] <<- extra[[name]]
}
as_object <- function(x) if (length(x)) x else setNames(list(), character())
surv <- function(cohort, columns) {
  d <- cohorts[[cohort]]
  if (is.null(columns$entry)) Surv(d[[columns$time]], d[[columns$event]]) else
    Surv(d[[columns$entry]], d[[columns$time]], d[[columns$event]])
}
standard <- list(time = "time", event = "event")
pick <- function(n, many = 10) if (n) unique(round(seq(1, n, length.out = min(n, many)))) else integer()
# Some rows of a long table, and the sum of every column, so that no row goes unseen.
sampled <- function(frame) {
  rows <- pick(nrow(frame))
  c(list(n_rows = nrow(frame), rows = I(rows - 1)), lapply(frame, function(x) I(x[rows])),
    list(sums = lapply(frame, function(x) sum(x[is.finite(x)]))))
}
freeze <- function(object, file) {
  folder <- commandArgs(trailingOnly = TRUE)
  writeLines(toJSON(object, auto_unbox = TRUE, digits = NA, na = "null", null = "null"), file.path(if (length(folder)) folder[1] else ".", file), useBytes = TRUE)
}
