# Shared by the scripts that freeze R's numbers: cohorts, options, and how a case is written.
suppressPackageStartupMessages({library(survival); library(jsonlite)})
options(warn = 1)
tight <- coxph.control(eps = 1e-12, iter.max = 60, toler.chol = 1e-14)

complete <- function(frame) {
  frame <- frame[stats::complete.cases(frame), , drop = FALSE]
  rownames(frame) <- NULL
  frame
}
label <- function(x, labels) factor(labels[match(x, sort(unique(x)))], levels = labels)

cohorts <- list()
cohorts$lung <- complete(with(survival::lung, data.frame(
  time, event = status - 1, age, female = sex - 1,
  ecog = factor(paste0("E", ph.ecog), levels = paste0("E", 0:3)), inst, wt.loss, ph.karno))[survival::lung$ph.ecog %in% 0:3, ])
cohorts$lung$ecog[is.na(cohorts$lung$ecog)] <- "E0"
cohorts$mgus2 <- complete(with(survival::mgus2, data.frame(
  time = futime, event = death, age, sex, hgb, creat, mspike)))
cohorts$kidney <- complete(with(survival::kidney, data.frame(
  time, event = status, age, female = sex - 1, disease, id, frail)))
cohorts$veteran <- complete(with(survival::veteran, data.frame(
  time, event = status, trt = trt - 1, celltype, karno, diagtime, age, prior = prior / 10)))
cohorts$pbc <- complete(with(survival::pbc, data.frame(
  time, event = as.integer(status == 2), age, sex, edema = factor(edema), bili, albumin, protime,
  stage = factor(stage), trt)))
cohorts$colon <- complete(with(survival::colon[survival::colon$etype == 2, ], data.frame(
  time, event = status, rx, sex, age, obstruct, nodes, differ = factor(differ), node4)))
cohorts$heart <- complete(with(survival::heart, data.frame(
  start, stop, event, age, year, surgery, transplant = as.integer(as.character(transplant)), id)))
cohorts$myeloma <- complete(with(survival::myeloma, data.frame(
  entry, time = futime, event = death, year)))[seq(1, 3800, by = 4), ]
cohorts$myeloma$decade <- factor(paste0("d", pmin(pmax(cohorts$myeloma$year %/% 10, 5), 8)))
cohorts$myeloma <- cohorts$myeloma[cohorts$myeloma$entry < cohorts$myeloma$time, ]
rownames(cohorts$myeloma) <- NULL
data(bmt, package = "KMsurv")
cohorts$bmt <- complete(with(bmt, data.frame(
  time = t2, event = d3, group = factor(paste0("g", group)), z1, z2, z8, z10, hospital = paste0("h", z9),
  acute = da, age2 = z1 - 28, ta, tc, tp, chronic = dc, platelets = dp, t1, dead = d1)))

# Edge tables: small enough to follow by hand.
cohorts$book1 <- data.frame(time = c(9, 1, 1, 6, 6, 8), event = c(1, 1, 0, 1, 1, 0), x = c(0, 1, 1, 1, 0, 0))
cohorts$book2 <- data.frame(start = c(1, 2, 5, 2, 1, 7, 3, 4, 8, 8), stop = c(2, 3, 6, 7, 8, 9, 9, 9, 14, 17),
  event = c(1, 1, 1, 1, 1, 1, 1, 0, 0, 0), x = c(1, 0, 0, 1, 0, 1, 1, 1, 0, 0))
cohorts$book3 <- data.frame(time = c(1, 1, 2, 2, 2, 2, 3, 4, 5), event = c(1, 0, 1, 1, 1, 0, 0, 1, 0),
  x = c(2, 0, 1, 1, 0, 1, 0, 1, 0), wt = c(1, 2, 3, 4, 3, 2, 1, 2, 1))
set.seed(20240601)
n <- 40
edge <- data.frame(time = sample(0:8, n, TRUE), event = rbinom(n, 1, 0.6), x = round(rnorm(n), 2),
  z = rbinom(n, 1, 0.4), g = factor(sample(c("a", "b", "c"), n, TRUE)), s = sample(1:3, n, TRUE),
  w = round(runif(n, 0.2, 3), 3), k = sample(1:4, n, TRUE), id = rep(1:10, 4))
edge$entry <- pmax(0, edge$time - sample(1:5, n, TRUE)) * (edge$time > 0)
edge$end <- edge$time + 1
edge$copy <- 2 * edge$x - 3 * edge$z
edge$one <- 7
edge$near <- (edge$time + 1) * 0.1
edge$near[seq(1, n, 2)] <- ((edge$time + 1) * 0.3 / 3)[seq(1, n, 2)]
cohorts$edge <- edge
cohorts$separated <- data.frame(time = c(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), event = c(1, 1, 1, 1, 0, 0, 1, 0, 1, 0),
  x = c(0.3, 1.2, -0.5, 0.8, 0.1, -1.0, 0.9, 0.4, -0.2, 0.7),
  g = factor(c("a", "a", "b", "b", "c", "c", "a", "c", "b", "a")), z = c(0, 1, 1, 0, 1, 0, 0, 1, 0, 1))
cohorts$one_event <- data.frame(time = 1:5, event = c(0, 1, 0, 0, 0), x = c(1, 2, 3, 1, 2))

# A model is a list with the names that the Python side uses too.
as_formula <- function(m) {
  left <- if (is.null(m$entry)) sprintf("Surv(%s, %s)", m$time, m$event) else
    sprintf("Surv(%s, %s, %s)", m$entry, m$time, m$event)
  right <- c(m$terms, vapply(m$interactions, paste, "", collapse = ":"))
  if (length(m$strata)) right <- c(right, sprintf("strata(%s)", paste(m$strata, collapse = ", ")))
  if (!is.null(m$cluster)) right <- c(right, sprintf("cluster(%s)", m$cluster))
  stats::as.formula(paste(left, "~", if (length(right)) paste(right, collapse = " + ") else "1"))
}
fit_r <- function(cohort, m, ...) {
  # full paths by name: coxph evaluates its weights in the data
  data <- cohorts[[cohort]]
  ties <- if (is.null(m$ties)) "efron" else m$ties
  call <- list(quote(coxph), formula = as_formula(m), data = data, ties = ties, control = tight, x = TRUE, ...)
  if (!is.null(m$weights)) call$weights <- as.name(m$weights)
  suppressWarnings(eval(as.call(call)))
}
pick <- function(n, many = 12) unique(round(seq(1, n, length.out = min(n, many))))
sample_of <- function(x) {
  x <- as.matrix(x)
  i <- pick(nrow(x))
  list(n = nrow(x), rows = I(i - 1), values = unname(x[i, , drop = FALSE]), squares = I(unname(colSums(x^2))))
}
cases <- list()
add <- function(operation, cohort, model, expected, ...) {
  number <- length(cases) + 1
  cases[[number]] <<- list(id = sprintf("%s-%s-%03d", operation, cohort, number), operation = operation,
    cohort = cohort, model = lapply(model, function(v) if (is.character(v) && length(v) > 1) I(v) else v),
    ..., expected = expected)
}
freeze <- function(object, file) writeLines(toJSON(object, auto_unbox = TRUE, digits = NA, na = "null", null = "null"),
  file, useBytes = TRUE)
target <- function() { argument <- commandArgs(trailingOnly = TRUE); if (length(argument)) argument[1] else "." }
