/* The maximum spanning tree of a directed graph, in O(n^2).
 *
 * Sources: Chu and Liu, "On the shortest arborescence of a directed graph", Scientia Sinica 14 (1965); Edmonds,
 * "Optimum branchings", Journal of Research of the National Bureau of Standards 71B (1967); Tarjan, "Finding optimum
 * branchings", Networks 7 (1977), section 4, with the correction of Camerini, Fratta and Maffioli, Networks 9 (1979).
 *
 * Node 0 is made up: its arcs say which node is a root. For a tree they are made so costly that one remains. Each node
 * in turn takes its best arc (the last of equals); where that closes a cycle, the cycle becomes one node more, which
 * takes its turn at the end. Then the cycles are opened again, the outermost first.
 */
#include "text_labels.h"

typedef struct {
  double score;
  int32_t source, target; /* both of the graph as given */
} arc;

typedef struct {
  double *score;    /* [n][n + 1]: column of a node, row of a source; NaN: no arc */
  int32_t *target;  /* [n][n + 1]: which of a contracted node's it leads to */
  arc *best;        /* [2 n] */
  int32_t *column;  /* [2 n]: where the node's arcs lie */
  int32_t *into;    /* [2 n]: what it was contracted into; 0 nothing, -1 it is opened again */
  int32_t *top;     /* [2 n]: disjoint sets: the outermost contraction */
  int32_t *weak;    /* [n + 1]: disjoint sets: joined by best arcs */
  int32_t *cycle;   /* [n] */
  int32_t *inside;  /* [n + 1]: whether a node is of the cycle at hand */
  int32_t nodes, count;
  int32_t narrow;
} graph;

size_t hb_spanning_tree_scratch(int32_t nodes) {
  if (nodes < 1 || nodes > HB_MAX_NODES) return 0;
  const size_t n = (size_t)nodes, side = n * (n + 1);
  return side + (side + 1) / 2 + 2 * (2 * n) + (2 * n + 1) / 2 * 3 + 2 * ((n + 2) / 2) + (n + 1) / 2;
}

static graph open(int32_t nodes, int32_t narrow, uint64_t *scratch) {
  const size_t n = (size_t)nodes, side = n * (n + 1);
  graph g = {.nodes = nodes, .count = nodes + 1, .narrow = narrow};
  uint64_t *at = scratch;
  g.score = (double *)(void *)at, at += side;
  g.best = (arc *)(void *)at, at += 2 * (2 * n);
  g.target = (int32_t *)(void *)at, at += (side + 1) / 2;
  g.column = (int32_t *)(void *)at, at += (2 * n + 1) / 2;
  g.into = (int32_t *)(void *)at, at += (2 * n + 1) / 2;
  g.top = (int32_t *)(void *)at, at += (2 * n + 1) / 2;
  g.weak = (int32_t *)(void *)at, at += (n + 2) / 2;
  g.inside = (int32_t *)(void *)at, at += (n + 2) / 2;
  g.cycle = (int32_t *)(void *)at;
  return g;
}

static double rounded(const graph *g, double value) { return g->narrow ? (double)(float)value : value; }

static int32_t find(int32_t *parents, int32_t node) {
  while (parents[node] != node) {
    parents[node] = parents[parents[node]];
    node = parents[node];
  }
  return node;
}

static void fill(graph *g, const double *scores, size_t stride, int32_t forest) {
  const double none = __builtin_nan("");
  const int32_t n = g->nodes;
  double most = -__builtin_inf(), least = __builtin_inf();
  for (int32_t node = 1; node <= n; node++) {
    double *column = g->score + (size_t)(node - 1) * (size_t)(n + 1);
    const double *given = scores + (size_t)(node - 1) * stride;
    column[0] = given[node - 1];
    for (int32_t source = 1; source <= n; source++) column[source] = source == node ? none : given[source - 1];
    for (int32_t source = 0; source <= n; source++) {
      if (!__builtin_isfinite(column[source])) {
        column[source] = none;
        continue;
      }
      if (column[source] > most) most = column[source];
      if (column[source] < least) least = column[source];
      g->target[(size_t)(node - 1) * (size_t)(n + 1) + (size_t)source] = node;
    }
  }
  for (int32_t i = 0; i < 2 * n; i++) {
    g->column[i] = i - 1;
    g->into[i] = 0;
    g->top[i] = i;
  }
  for (int32_t i = 0; i <= n; i++) g->weak[i] = i;
  if (forest || most < least) return;
  const double spread = rounded(g, (n + 1) * rounded(g, most - least)), penalty = rounded(g, 1 + spread);
  for (int32_t node = 0; node < n; node++) {
    double *root = g->score + (size_t)node * (size_t)(n + 1);
    *root = rounded(g, *root - penalty);
  }
}

/* Whether the node has an arc to it, and then the best of them. */
static int best_arc(graph *g, int32_t node) {
  const size_t base = (size_t)g->column[node] * (size_t)(g->nodes + 1);
  double most = g->narrow ? -3.40282346638528859812e+38 : -1.7976931348623157e+308;
  int32_t source = -1;
  for (int32_t i = 0; i <= g->nodes; i++)
    if (g->score[base + (size_t)i] >= most) {
      most = g->score[base + (size_t)i];
      source = i;
    }
  if (source < 0) return 0;
  g->best[node] = (arc){most, source, g->target[base + (size_t)source]};
  return 1;
}

/* Makes one node of the cycle that `node`'s best arc closes: it takes over `node`'s column. */
static void contract(graph *g, int32_t node) {
  const int32_t made = g->count++;
  int32_t length = 0;
  for (int32_t at = node; at != made;) {
    g->cycle[length++] = at;
    const int32_t next = find(g->top, g->best[at].source);
    g->top[at] = made;
    g->into[at] = made;
    at = next;
  }
  const size_t rows = (size_t)(g->nodes + 1), base = (size_t)g->column[node] * rows;
  g->column[made] = g->column[node];
  for (int32_t source = 0; source <= g->nodes; source++) g->inside[source] = find(g->top, source) == made;
  for (int32_t i = 0; i < length; i++) {
    const double lost = -g->best[g->cycle[i]].score;
    const size_t from = (size_t)g->column[g->cycle[i]] * rows;
    for (int32_t source = 0; source <= g->nodes; source++) {
      const size_t row = (size_t)source;
      if (g->inside[source]) {
        g->score[base + row] = __builtin_nan("");
        continue;
      }
      double score = g->score[from + row];
      if (score != score) continue;
      score = rounded(g, score + lost);
      if (i == 0) {
        g->score[base + row] = score;
        continue;
      }
      if (!(g->score[base + row] >= score)) {
        g->score[base + row] = score;
        g->target[base + row] = g->target[from + row];
      }
    }
  }
}

int32_t hb_spanning_tree(const double *scores, size_t stride, int32_t nodes, int32_t forest, int32_t narrow,
                         double *total, int32_t *sources, uint64_t *scratch, size_t length) {
  const size_t needed = hb_spanning_tree_scratch(nodes);
  if (needed == 0 || stride < (size_t)nodes) return HB_BAD_ARGUMENT;
  if (length < needed) return HB_SHORT_BUFFER;
  graph g = open(nodes, narrow, scratch);
  fill(&g, scores, stride, forest);

  for (int32_t node = 1; node < g.count; node++) {
    if (!best_arc(&g, node)) return HB_BROKEN;
    if (g.best[node].source == 0) continue;
    const int32_t from = find(g.weak, g.best[node].source), to = find(g.weak, g.best[node].target);
    if (from == to)
      contract(&g, node);
    else
      g.weak[from] = to;
  }
  for (int32_t made = g.count - 1; made > nodes; made--) {
    if (g.into[made] < 0) continue;
    const arc in = g.best[made];
    g.best[in.target] = in;
    for (int32_t at = g.into[in.target]; at >= 0 && at != made;) {
      const int32_t outer = g.into[at];
      g.into[at] = -1;
      at = outer;
    }
  }
  int32_t roots = 0;
  *total = 0;
  for (int32_t node = 0; node < nodes; node++) {
    const int32_t source = g.best[node + 1].source;
    sources[node] = source ? source - 1 : node;
    roots += source == 0;
    *total = rounded(&g, *total + scores[(size_t)node * stride + (size_t)sources[node]]);
  }
  return !forest && roots != 1 ? HB_BROKEN : HB_OK;
}
