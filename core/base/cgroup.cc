#include "core/base/cgroup.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace engine {
namespace {

// The directories of one version's groups that may hold a limit of this process.
struct Groups {
  std::vector<std::string> v1;
  std::vector<std::string> v2;
};

// The group at `path` and those it lies in. A container may see another part of the tree, of which only the root is there.
void AddUpToRoot(const std::string& root, std::string path, std::vector<std::string>& groups) {
  const bool outside = !path.starts_with('/') || path.find("/..") != std::string::npos;
  if (outside || path == "/") path.clear();
  for (; !path.empty(); path.resize(path.rfind('/'))) groups.push_back(root + path);
  groups.push_back(root);
}

Groups GroupsOf(const std::string& controller, const CgroupRoots& roots) {
  Groups groups;
  std::ifstream lines(roots.membership);
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::string& controllers = fields[1];
    if (controllers.empty()) {
      AddUpToRoot(roots.mount, fields[2], groups.v2);
      AddUpToRoot(roots.mount + "/unified", fields[2], groups.v2);  // where both versions are mounted
    } else if (absl::StrCat(",", controllers, ",").find("," + controller + ",") != std::string::npos) {
      AddUpToRoot(roots.mount + "/" + controllers, fields[2], groups.v1);
      // A link to where several are mounted: some systems name those in another order than the line does.
      AddUpToRoot(roots.mount + "/" + controller, fields[2], groups.v1);
    }
  }
  return groups;
}

// No number where there is no such file, or none in it: "max".
std::optional<double> ReadNumber(std::istream& file) {
  double number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

void Lower(std::optional<double>& least, std::optional<double> limit) {
  if (limit && (!least || *limit < *least)) least = limit;
}

std::optional<double> Share(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;  // version 1 says -1 for no limit
  return *quota / *period;
}

}  // namespace

std::optional<int> CgroupCpus(const CgroupRoots& roots) {
  std::optional<double> least;
  const Groups groups = GroupsOf("cpu", roots);
  for (const std::string& group : groups.v2) {
    std::ifstream file(group + "/cpu.max");
    const std::optional<double> quota = ReadNumber(file);
    Lower(least, Share(quota, ReadNumber(file)));
  }
  for (const std::string& group : groups.v1) {
    std::ifstream quota(group + "/cpu.cfs_quota_us"), period(group + "/cpu.cfs_period_us");
    Lower(least, Share(ReadNumber(quota), ReadNumber(period)));
  }
  if (!least) return std::nullopt;
  return static_cast<int>(std::clamp(std::ceil(*least), 1.0, 1e6));
}

std::optional<int64_t> CgroupMemoryBytes(const CgroupRoots& roots) {
  std::optional<double> least;
  const auto lower = [&least](const std::vector<std::string>& groups, const char* name) {
    for (const std::string& group : groups) {
      std::ifstream file(group + name);
      Lower(least, ReadNumber(file));
    }
  };
  const Groups groups = GroupsOf("memory", roots);
  lower(groups.v2, "/memory.max");
  lower(groups.v1, "/memory.limit_in_bytes");
  if (!least || *least >= 0x1p62) return std::nullopt;  // version 1's "no limit" is the largest number of whole pages
  return static_cast<int64_t>(*least);
}

}  // namespace engine
