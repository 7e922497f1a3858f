/* Objectives of ADBench in plain C, with derivatives written by hand: what a person would write without a library.
 * Srajer, Kukelova and Fitzgibbon (2018), "A benchmark of selected algorithmic differentiation tools on some problems
 * in computer vision and machine learning". */
#ifndef ADBENCH_BY_HAND_H
#define ADBENCH_BY_HAND_H

#include <stdint.h>

/* A Gaussian mixture: K components in d dimensions, N points. */
typedef struct {
    int d, K, N;
    double *alpha, *mu, *icf, *x, gamma; /* (K), (K, d), (K, d (d + 1) / 2), (N, d) */
    int m;
} gmm_problem;

/* What does not depend on the parameters: the normal distribution's constant and that of the Wishart prior. */
double gmm_constant(const gmm_problem *p);

/* Room for what both need; free() it. NULL: no memory. */
double *gmm_room(const gmm_problem *p);

double gmm_objective(const gmm_problem *p, double *room);

/* Writes alpha's part, then mu's, then icf's. */
double gmm_gradient(const gmm_problem *p, double *room, double *gradient);

/* Bundle adjustment: the parameters of an observation are those of its camera (rotation 3, centre 3, focal length,
 * principal point 2, distortion 2), of its point (3), and its weight. */
enum { BA_CAMERA = 11, BA_PARAMETERS = 15 };

/* err[2] of one observation, and, unless it is NULL, the Jacobian, two rows of 15. */
void ba_observation(const double *parameters, const double *feature, double *err, double *jacobian);

#endif
