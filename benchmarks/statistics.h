// Of a few measured values.
#pragma once

#include <vector>

namespace engine {

double Mean(const std::vector<double>& values);
double Deviation(const std::vector<double>& values);  // standard, of one value; 0 for fewer than two
double Median(std::vector<double> values);            // of at least one; the upper one of two in the middle

// Of at least one; between two values in proportion, as numpy does.
double Percentile(std::vector<double> values, double percent);

}  // namespace engine
