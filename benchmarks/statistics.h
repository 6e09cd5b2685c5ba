// Of a few measured values.
#pragma once

#include <vector>

namespace engine {

double Mean(const std::vector<double>& values);
double Deviation(const std::vector<double>& values);  // standard, of one value; 0 for fewer than two
double Median(std::vector<double> values);            // of at least one; the upper one of two in the middle

}  // namespace engine
