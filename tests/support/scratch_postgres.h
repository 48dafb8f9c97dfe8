// A Postgres cluster for one test program: initdb in a folder of its own under /tmp, loopback only,
// trust, superuser "postgres"; killed by the kernel should the test die. Tests that need it begin
// with SKIP_WITHOUT_POSTGRES().
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <libpq-fe.h>

namespace pgreeve::test {

class ScratchPostgres {
 public:
  // The cluster of this program, made at first use. Null when there is no Postgres to run.
  static ScratchPostgres* Get() {
    static std::unique_ptr<ScratchPostgres> cluster = Make();
    return cluster.get();
  }

  ~ScratchPostgres() {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  std::string Dsn(const std::string& database = "postgres") const {
    return "postgresql://postgres@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }

  int port() const { return port_; }

  const std::string& folder() const { return folder_; }

  // A fresh database; returns its DSN.
  std::string NewDatabase() {
    static int count = 0;
    const std::string name = "test_" + std::to_string(++count);
    PGconn* connection = PQconnectdb(Dsn().c_str());
    const std::string sql = "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'";
    PGresult* result = PQexec(connection, sql.c_str());
    EXPECT_EQ(PQresultStatus(result), PGRES_COMMAND_OK) << PQerrorMessage(connection);
    PQclear(result);
    PQfinish(connection);
    return Dsn(name);
  }

  // Returns once it accepts connections.
  bool Start() {
    const std::string port = std::to_string(port_);
    std::vector<std::string> command = AsPostgres();
    for (const std::string& word : {std::string("--pdeathsig"),
                                    std::string("QUIT"),
                                    Program("postgres"),
                                    std::string("-D"),
                                    folder_ + "/data",
                                    std::string("-p"),
                                    port,
                                    std::string("-c"),
                                    std::string("fsync=off"),
                                    std::string("-c"),
                                    std::string("listen_addresses=127.0.0.1"),
                                    std::string("-c"),
                                    "unix_socket_directories=" + folder_,
                                    std::string("-c"),
                                    std::string("max_prepared_transactions=10"),
                                    std::string("-c"),
                                    std::string("logging_collector=off")})
      command.push_back(word);
    pid_ = Spawn(command);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      if (PQping(Dsn().c_str()) == PQPING_OK)
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  void Stop() {
    if (pid_ <= 0)
      return;
    kill(pid_, SIGQUIT);  // immediate shutdown, as after a crash
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  static std::string Program(const std::string& name) {
    const char* folder = std::getenv("PGREEVE_PG_BIN");
    return std::string(folder != nullptr ? folder : "/usr/lib/postgresql/15/bin") + "/" + name;
  }

  // Postgres refuses to run as root.
  static std::vector<std::string> AsPostgres() {
    if (geteuid() != 0)
      return {"setpriv"};
    return {"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"};
  }

  pid_t Spawn(const std::vector<std::string>& command) const {
    std::vector<char*> argv;
    for (const std::string& word : command)
      argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const std::string log = folder_ + "/log";
    const pid_t pid = fork();
    if (pid == 0) {
      if (std::freopen(log.c_str(), "a", stdout) == nullptr ||
          std::freopen(log.c_str(), "a", stderr) == nullptr || chdir("/tmp") != 0)
        _exit(126);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    return pid;
  }

  static std::unique_ptr<ScratchPostgres> Make() {
    auto cluster = std::unique_ptr<ScratchPostgres>(new ScratchPostgres);
    char name[] = "/tmp/pgreeve_test_XXXXXX";
    if (!std::filesystem::exists(Program("initdb")) || mkdtemp(name) == nullptr)
      return nullptr;
    cluster->folder_ = name;
    std::filesystem::permissions(name, std::filesystem::perms(0777));
    cluster->port_ = FreePort();
    std::vector<std::string> command = AsPostgres();
    if (command.size() == 1)
      command.clear();
    for (const std::string& word : {Program("initdb"),
                                    std::string("-D"),
                                    cluster->folder_ + "/data",
                                    std::string("-U"),
                                    std::string("postgres"),
                                    std::string("-A"),
                                    std::string("trust"),
                                    std::string("-E"),
                                    std::string("UTF8"),
                                    std::string("--locale=C.UTF-8"),
                                    std::string("--no-sync")})
      command.push_back(word);
    int status = 0;
    waitpid(cluster->Spawn(command), &status, 0);
    if (status != 0 || !cluster->Start())
      return nullptr;
    return cluster;
  }

  static int FreePort() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    close(fd);
    return ntohs(address.sin_port);
  }

  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace pgreeve::test

#define SKIP_WITHOUT_POSTGRES()                           \
  if (::pgreeve::test::ScratchPostgres::Get() == nullptr) \
  GTEST_SKIP() << "no Postgres 15 to start"
