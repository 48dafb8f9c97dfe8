// Prints a reference page from the tables in the code: `reference_doc settings|metrics`.
#include <iostream>
#include <string_view>

#include "config/load.h"
#include "router/metrics/catalogue.h"

int main(int argc, char** argv) {
  const std::string_view page = argc == 2 ? argv[1] : "";
  if (page == "settings") {
    std::cout << pgreeve::config::ReferencePage();
  } else if (page == "metrics") {
    std::cout << pgreeve::metrics::ReferencePage();
  } else {
    std::cerr << "usage: reference_doc settings|metrics\n";
    return 2;
  }
  return 0;
}
