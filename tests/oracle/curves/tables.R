# Proportions and tables: binom.test, prop.test, fisher.test.
source("common.R")
pairs <- list(c(38, 62), c(26, 62), c(0, 10), c(10, 10), c(1, 1), c(0, 1), c(5, 9), c(250, 1000), c(3, 62), c(61, 62))
for (pair in pairs) for (level in if (pair[1] == 38) c(0.95, 0.9, 0.99) else 0.95) {
  x <- pair[1]; n <- pair[2]
  exact <- binom.test(x, n, conf.level = level); score <- suppressWarnings(prop.test(x, n, correct = FALSE, conf.level = level))
  options <- list(successes = x, n = n, ci_level = level)
  add("proportion", NULL, list(), c(options, method = "clopper-pearson"), list(estimate = x / n, ci_lower = exact$conf.int[1], ci_upper = exact$conf.int[2]))
  add("proportion", NULL, list(), c(options, method = "wilson"), list(estimate = x / n, ci_lower = score$conf.int[1], ci_upper = score$conf.int[2]))
}
rows <- function(m) lapply(seq_len(nrow(m)), function(i) I(unname(m[i, ])))
with_data <- list(table(survival::veteran$celltype, survival::veteran$status), table(survival::lung$ph.ecog[survival::lung$ph.ecog < 3], survival::lung$sex[survival::lung$ph.ecog < 3]),
  table(survival::kidney$disease, survival::kidney$status), table(cohorts$larynx$stage, cohorts$larynx$event), table(cohorts$bmt$group, cohorts$bmt$cause))
tables <- c(lapply(with_data[-2], function(x) matrix(as.integer(x), nrow(x))), list(
  matrix(c(3, 1, 1, 3), 2), matrix(c(12, 4, 5, 41), 2), matrix(c(0, 5, 7, 3), 2), matrix(c(8, 0, 0, 9), 2), matrix(c(1, 0, 0, 1), 2), matrix(c(300, 200, 250, 260), 2), matrix(c(2, 10, 15, 3), 2),
  matrix(c(1, 2, 1, 0, 3, 3, 6, 1, 10, 10, 14, 9, 6, 7, 12, 11), 4), matrix(c(3, 0, 0, 2, 1, 2), 2), matrix(c(5, 2, 0, 1, 4, 3, 0, 2, 6), 3),
  matrix(c(4, 1, 2, 0, 3, 5, 1, 1, 2, 2, 0, 6, 1, 0, 3), 3), matrix(c(7, 3, 2, 9, 1, 4, 0, 2, 5, 6, 3, 8), 2), matrix(c(10, 10, 10, 10, 10, 10), 2), matrix(c(2, 0, 1, 3, 0, 4, 1, 1, 2, 0, 0, 5), 4)))
for (m in tables) {
  p <- fisher.test(m, workspace = 2e7)$p.value
  add("fisher_exact", NULL, list(), list(table = rows(m)), list(p_value = p))
}
# fisher.test stops its roots at 1e-4; here they are solved on.
tight <- function(f) exp(uniroot(f, c(-50, 50), tol = 1e-14, maxiter = 2000)$root)
for (m in Filter(function(m) all(dim(m) == 2), tables)) {
  k1 <- sum(m[, 1]); k2 <- sum(m[, 2]); r <- sum(m[1, ]); x <- m[1, 1]
  support <- max(0, r - k2):min(r, k1); base <- dhyper(support, k1, k2, r, log = TRUE)
  density <- function(b) { d <- base + b * support; d <- exp(d - max(d)); d / sum(d) }
  lowest <- x == support[1]; highest <- x == rev(support)[1]
  found <- list(estimate = if (lowest) 0 else if (highest) Inf else tight(function(b) sum(support * density(b)) - x),
    ci_lower = if (lowest) 0 else tight(function(b) sum(density(b)[support >= x]) - 0.025),
    ci_upper = if (highest) Inf else tight(function(b) 0.025 - sum(density(b)[support <= x])))
  printed <- fisher.test(m)
  finite <- is.finite(c(found$estimate, found$ci_lower, found$ci_upper))
  stopifnot(all.equal(c(printed$estimate, printed$conf.int)[finite], unlist(found)[finite], tolerance = 0.02, check.attributes = FALSE))
  add("odds_ratio", NULL, list(), list(table = rows(m)), lapply(found, function(v) if (is.infinite(v)) "Infinity" else v))
}
z <- function(p) qnorm(p)
for (q in list(c(25, 0.18), c(16, 0.23), c(28, 0.37), c(25, 0.58), c(100, 0.5))) for (power in c(0.8, 0.9))
  add("minimum_detectable_hazard_ratio", NULL, list(), list(n_events = q[1], prevalence = q[2], power = power), list(value = exp((z(0.975) + z(power)) / sqrt(q[1] * q[2] * (1 - q[2])))))
freeze(cases, "tables.json")
