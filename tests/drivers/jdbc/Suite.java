// pgjdbc through the router. Prints "ok name" or "FAIL name: why" for each test.
// TABLE, and libpq's variables for the routed (PG*) and the direct (DIRECT_PG*) address.

import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;

public final class Suite {
  interface Work {
    Object run(Connection connection) throws Exception;
  }

  private static final String TABLE = System.getenv("TABLE");
  private static int failed = 0;

  private static Connection connect(String prefix) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", System.getenv(prefix + "PGUSER"));
    properties.setProperty("password", System.getenv(prefix + "PGPASSWORD"));
    String options = System.getenv(prefix + "PGOPTIONS");
    if (options != null) properties.setProperty("options", options);
    return DriverManager.getConnection(
        "jdbc:postgresql://" + System.getenv(prefix + "PGHOST") + ":"
            + System.getenv(prefix + "PGPORT") + "/" + System.getenv(prefix + "PGDATABASE"),
        properties);
  }

  // Over both addresses; the results must be equal.
  private static void test(String name, Work work) {
    try {
      List<String> results = new ArrayList<>();
      for (String prefix : new String[] {"", "DIRECT_"}) {
        try (Connection connection = connect(prefix)) {
          try (Statement statement = connection.createStatement()) {
            statement.execute("DELETE FROM " + TABLE);
          }
          results.add(String.valueOf(work.run(connection)));
        }
      }
      if (!results.get(0).equals(results.get(1)))
        throw new AssertionError("router: " + results.get(0) + ", direct: " + results.get(1));
      System.out.println("ok " + name);
    } catch (Throwable error) {
      failed++;
      System.out.println("FAIL " + name + ": " + String.valueOf(error).replace('\n', '|'));
    }
  }

  private static String rows(ResultSet result) throws SQLException {
    StringBuilder text = new StringBuilder();
    int columns = result.getMetaData().getColumnCount();
    while (result.next()) {
      for (int i = 1; i <= columns; i++) text.append(result.getString(i)).append(';');
      text.append('\n');
    }
    return text.toString();
  }

  private static String query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return rows(statement.executeQuery(sql));
    }
  }

  private static void insert(Connection connection, int... ids) throws SQLException {
    String sql = "INSERT INTO " + TABLE + " (id, name, price) VALUES (?, ?, ?)";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int id : ids) {
        statement.setInt(1, id);
        statement.setString(2, "n" + id);
        statement.setBigDecimal(3, new BigDecimal(id).divide(new BigDecimal(4)));
        statement.executeUpdate();
      }
    }
  }

  private static String expectError(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return "no error";
    } catch (SQLException error) {
      // Under row security Postgres names no values of keys.
      return error.getSQLState() + " " + error.getMessage().replaceAll("\n  Detail: Key .*", "");
    }
  }

  public static void main(String[] arguments) {
    test("connect", c -> c.isValid(5) + c.getMetaData().getDatabaseProductVersion());
    test("crud", c -> {
      insert(c, 1, 2, 3);
      try (PreparedStatement update = c.prepareStatement(
          "UPDATE " + TABLE + " SET name = ? WHERE id > ?")) {
        update.setString(1, "new");
        update.setInt(2, 1);
        int changed = update.executeUpdate();
        return changed + query(c, "SELECT id, name, price FROM " + TABLE + " ORDER BY id");
      }
    });
    test("types", c -> {
      try (PreparedStatement put = c.prepareStatement("INSERT INTO " + TABLE
          + " (id, name, price, tags, doc, made, raw) VALUES (?, ?, ?, ?, ?::jsonb, ?, ?)")) {
        Array tags = c.createArrayOf("text", new String[] {"a", null, "b,c"});
        put.setInt(1, 1);
        put.setString(2, "it's ünïcode");
        put.setBigDecimal(3, new BigDecimal("12.34"));
        put.setArray(4, tags);
        put.setString(5, "{\"a\": [1, {\"b\": null}]}");
        put.setObject(6, java.time.OffsetDateTime.parse("2020-02-29T12:00:00Z"));
        put.setBytes(7, new byte[] {0, 1, -2, -1});
        put.executeUpdate();
      }
      return query(c, "SELECT name, price, tags, doc, made AT TIME ZONE 'UTC', raw FROM " + TABLE);
    });
    test("transactions", c -> {
      c.setAutoCommit(false);
      insert(c, 1);
      c.rollback();
      insert(c, 2);
      c.commit();
      String failedWith = expectError(c, "INSERT INTO " + TABLE + " (id) VALUES (2)");
      String afterwards = expectError(c, "SELECT 1");
      c.rollback();
      return failedWith + afterwards + query(c, "SELECT id FROM " + TABLE);
    });
    test("savepoints", c -> {
      c.setAutoCommit(false);
      insert(c, 1);
      Savepoint savepoint = c.setSavepoint();
      expectError(c, "INSERT INTO " + TABLE + " (id) VALUES (1)");
      c.rollback(savepoint);
      insert(c, 2);
      c.commit();
      return query(c, "SELECT id FROM " + TABLE + " ORDER BY id");
    });
    test("serverPrepared", c -> {
      insert(c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
      StringBuilder seen = new StringBuilder();
      try (PreparedStatement get = c.prepareStatement(
          "SELECT name FROM " + TABLE + " WHERE id = ?")) {
        get.unwrap(PGStatement.class).setPrepareThreshold(3);
        for (int id = 1; id <= 12; id++) {
          get.setInt(1, id);
          seen.append(rows(get.executeQuery()));
        }
      }
      return seen;
    });
    test("batch", c -> {
      try (PreparedStatement put = c.prepareStatement(
          "INSERT INTO " + TABLE + " (id, name) VALUES (?, ?)")) {
        for (int id = 1; id <= 200; id++) {
          put.setInt(1, id);
          put.setString(2, "b" + id);
          put.addBatch();
        }
        int[] counts = put.executeBatch();
        return counts.length + query(c, "SELECT count(*), max(name) FROM " + TABLE);
      }
    });
    test("batchWithReturning", c -> {
      c.setAutoCommit(false);
      try (PreparedStatement put = c.prepareStatement(
          "INSERT INTO " + TABLE + " (id, name) VALUES (?, ?)", new String[] {"id"})) {
        for (int id = 1; id <= 20; id++) {
          put.setInt(1, id);
          put.setString(2, "b");
          put.addBatch();
        }
        put.executeBatch();
        String keys = rows(put.getGeneratedKeys());
        c.commit();
        return keys;
      }
    });
    test("fetchSize", c -> {
      c.setAutoCommit(false);
      try (Statement fill = c.createStatement()) {
        fill.execute("INSERT INTO " + TABLE + " (id) SELECT generate_series(1, 103)");
      }
      try (PreparedStatement get = c.prepareStatement(
          "SELECT id FROM " + TABLE + " WHERE id > ? ORDER BY id")) {
        get.setFetchSize(10);
        get.setInt(1, 3);
        String all = rows(get.executeQuery());
        c.commit();
        return all;
      }
    });
    test("copy", c -> {
      StringBuilder data = new StringBuilder();
      for (int id = 1; id <= 300; id++) data.append(id).append("\tn").append(id).append('\n');
      var copy = c.unwrap(PGConnection.class).getCopyAPI();
      long in = copy.copyIn("COPY " + TABLE + " (id, name) FROM STDIN",
          new StringReader(data.toString()));
      StringWriter out = new StringWriter();
      copy.copyOut("COPY (SELECT id, name FROM " + TABLE + " ORDER BY id) TO STDOUT", out);
      return in + out.toString() + query(c, "SELECT 1");
    });
    test("severalStatements", c -> {
      try (Statement statement = c.createStatement()) {
        statement.execute("SELECT 1; SELECT 2");
        String first = rows(statement.getResultSet());
        statement.getMoreResults();
        return first + rows(statement.getResultSet());
      }
    });
    test("errors", c -> {
      StringBuilder found = new StringBuilder();
      for (String sql : new String[] {"SELEC", "SELECT * FROM nowhere", "SELECT 'x'::int",
          "SELECT 1 / 0", "SELECT 1 a b"})
        found.append(expectError(c, sql)).append(query(c, "SELECT 1"));
      return found;
    });
    test("metadata", c -> {
      DatabaseMetaData metadata = c.getMetaData();
      StringBuilder text = new StringBuilder();
      try (ResultSet columns = metadata.getColumns(null, null, TABLE, null)) {
        while (columns.next())
          text.append(columns.getString("COLUMN_NAME")).append(columns.getString("TYPE_NAME"));
      }
      try (ResultSet keys = metadata.getPrimaryKeys(null, null, TABLE)) {
        while (keys.next()) text.append(keys.getString("COLUMN_NAME"));
      }
      return text;
    });
    test("isolation", c -> {
      c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      c.setAutoCommit(false);
      insert(c, 1);
      String level = query(c, "SHOW transaction_isolation");
      c.commit();
      return level + c.getTransactionIsolation();
    });
    test("cancel", c -> {
      try (Statement statement = c.createStatement()) {
        statement.setQueryTimeout(1);
        statement.execute("SELECT pg_sleep(30)");
        return "not cancelled";
      } catch (SQLException error) {
        return error.getSQLState() + query(c, "SELECT 1");
      }
    });
    test("readOnly", c -> {
      c.setReadOnly(true);
      c.setAutoCommit(false);
      String refused = expectError(c, "INSERT INTO " + TABLE + " (id) VALUES (1)");
      c.rollback();
      return refused;
    });
    System.exit(failed == 0 ? 0 : 1);
  }
}
