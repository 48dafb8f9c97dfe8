#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "router/metrics/collect.h"
#include "router/metrics/families.h"

namespace pgreeve::metrics {
namespace {

// Fields of /proc/self/stat, counted from 1 as proc(5) does, without the first two: the program's
// name may hold blanks and parentheses.
class ProcStat {
 public:
  ProcStat() {
    std::ifstream file("/proc/self/stat");
    std::string text;
    std::getline(file, text);
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos)
      return;
    std::istringstream rest(text.substr(end + 1));
    for (std::string field; rest >> field;)
      fields_.push_back(std::move(field));
  }

  double operator[](std::size_t number) const {
    return number - 3 < fields_.size() ? std::strtod(fields_[number - 3].c_str(), nullptr) : 0;
  }

 private:
  std::vector<std::string> fields_;
};

double BootTime() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds)
      return seconds;
  }
  return 0;
}

double CountOpenFds() {
  std::error_code error;
  double n = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && it != std::filesystem::directory_iterator();
       it.increment(error))
    ++n;
  return n > 0 ? n - 1 : 0;  // the listing itself holds one
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessCollector::Collect() const {
  const ProcStat stat;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  Families out;
  out.Add(Metric::kProcessCpuSeconds, {}, (stat[14] + stat[15]) / ticks);
  out.Add(Metric::kProcessThreads, {}, stat[20]);
  out.Add(Metric::kProcessStartTime, {}, BootTime() + stat[22] / ticks);
  out.Add(Metric::kProcessVirtualBytes, {}, stat[23]);
  out.Add(Metric::kProcessResidentBytes, {}, stat[24] * page);
  out.Add(Metric::kProcessOpenFds, {}, CountOpenFds());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    out.Add(Metric::kProcessMaxFds, {}, static_cast<double>(limit.rlim_cur));
  return out.Take();
}

}  // namespace pgreeve::metrics
