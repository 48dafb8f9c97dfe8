# Finds every library of the project on Debian 12 and gives each one target. Libraries with a CMake
# package are used as they are; the others get a small interface target named deps::<library>.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)  # headers (Asio, Beast) come as Boost::headers
find_package(absl REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(GTest CONFIG REQUIRED)
find_package(benchmark CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(tomlplusplus CONFIG REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(PostgreSQL 15 REQUIRED)  # libpq

# xxHash: inlined into the caller, so nothing is linked.
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
add_library(deps_xxh3 INTERFACE)
add_library(deps::xxh3 ALIAS deps_xxh3)
target_include_directories(deps_xxh3 SYSTEM INTERFACE ${XXHASH_INCLUDE_DIR})
target_compile_definitions(deps_xxh3 INTERFACE XXH_INLINE_ALL)

# libpg_query: neither a CMake package nor a pkg-config file.
find_path(PG_QUERY_INCLUDE_DIR pg_query.h REQUIRED)
find_library(PG_QUERY_LIBRARY pg_query REQUIRED)
add_library(deps::pg_query UNKNOWN IMPORTED)
set_target_properties(deps::pg_query PROPERTIES
  IMPORTED_LOCATION "${PG_QUERY_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${PG_QUERY_INCLUDE_DIR}")

# PostgreSQL's server headers describe libpg_query's raw tree. The major version must be the one of
# the grammar in libpg_query (15): node tags are positions in an enum.
find_path(PG_SERVER_INCLUDE_DIR nodes/parsenodes.h
  PATHS /usr/include/postgresql/15/server NO_DEFAULT_PATH REQUIRED)
add_library(deps_pg_server_headers INTERFACE)
add_library(deps::pg_server_headers ALIAS deps_pg_server_headers)
target_include_directories(deps_pg_server_headers SYSTEM INTERFACE ${PG_SERVER_INCLUDE_DIR})
