package io.turnstile.ovsdb.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.turnstile.ovsdb.data.OvsdbJson;
import io.turnstile.ovsdb.schema.DatabaseSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** A small database of things, for tests of its file. */
final class Things {
    static final String SCHEMA = """
        {"name":"Things","version":"1.0.0","tables":{"Thing":{"isRoot":true,"columns":{
          "name":{"type":"string"},
          "count":{"type":"integer"},
          "tags":{"type":{"key":"string","min":0,"max":"unlimited"}},
          "notes":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
          "maybe":{"type":{"key":"integer","min":0,"max":1}},
          "pair":{"type":{"key":"string","value":"integer","min":0,"max":1}},
          "lost":{"type":"string","ephemeral":true}}}}}\
        """;
    static final String ID = "10000001-1111-4111-8111-000000000001";

    private Things() {}

    static JsonNode json(String text) {
        try {
            return OvsdbJson.MAPPER.readTree(text);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    /** A file of these parts; what was there is overwritten. */
    static Path write(Path file, byte[]... parts) throws IOException {
        Files.write(file, new byte[0]);
        for (byte[] part : parts) {
            Files.write(file, part, StandardOpenOption.APPEND);
        }
        return file;
    }

    /** A database whose compactions never end. */
    static Database open(Path file) throws IOException {
        return open(file, (delayMs, task) -> {});
    }

    static Database open(Path file, Database.Scheduler scheduler) throws IOException {
        return Database.open(file, DatabaseSchema.fromJson(json(SCHEMA)), scheduler);
    }

    static byte[] schema() throws Exception {
        return Records.record(json(SCHEMA).toString());
    }

    /** The record of an insertion. */
    static byte[] inserting(int number, String name) throws Exception {
        return Records.record("{\"Thing\":{\"" + new UUID(0, number) + "\":{\"name\":\"" + name + "\"}},\"_date\":1}");
    }

    static String names(Database database) {
        List<String> names = new ArrayList<>();
        database.snapshot()
                .rows("Thing")
                .values()
                .forEach(row -> names.add((String) row.datum("name").key(0)));
        names.sort(null);
        return String.join(" ", names);
    }

    static String insert(Database database, String name) {
        return transact(
                database, "{\"op\":\"insert\",\"table\":\"Thing\",\"row\":{\"name\":\"" + name + "\",\"lost\":\"x\"}}");
    }

    /** Runs operations at once; returns their replies. */
    static String transact(Database database, String... operations) {
        List<String> replies = new ArrayList<>();
        database.transact(
                List.of(operations).stream().map(Things::json).toList(),
                lock -> false,
                database,
                json("1"),
                reply -> replies.add(String.valueOf(reply)));
        return replies.getFirst();
    }
}
