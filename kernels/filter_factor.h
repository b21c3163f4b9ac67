/* A symmetric matrix as U D U'. */
#ifndef HOMEBODY_FILTER_FACTOR_H
#define HOMEBODY_FILTER_FACTOR_H

#include <stdint.h>

/* matrix = U D U' with U unit upper triangular, D on its diagonal. What is not positive becomes 0. */
static inline void factorise(const double *matrix, double *factor, int32_t d) {
  for (int32_t j = d - 1; j >= 0; j--)
    for (int32_t i = j; i >= 0; i--) {
      double rest = matrix[i * d + j];
      for (int32_t k = j + 1; k < d; k++) rest -= factor[i * d + k] * factor[k * d + k] * factor[j * d + k];
      const double size = factor[j * d + j];
      if (i == j)
        factor[j * d + j] = rest > 0x1p-50 * matrix[j * d + j] ? rest : 0;
      else
        factor[i * d + j] = size > 0 ? rest / size : 0;
      if (i < j) factor[j * d + i] = 0;
    }
}

#endif
