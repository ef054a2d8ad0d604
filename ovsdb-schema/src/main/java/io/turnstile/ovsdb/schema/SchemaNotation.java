package io.turnstile.ovsdb.schema;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The parser reads the short notation in which our schemas are kept; its grammar stands at the head of
 * {@code open_vswitch.txt}.
 */
public final class SchemaNotation {
    private static final Pattern COLUMN =
            Pattern.compile("(\\w+): (.+?)(?: -> (.+?))?(\\?|\\*|\\+| x(\\d+)\\.\\.(\\d+))?( ephemeral)?( immutable)?");
    private static final Pattern BASE = Pattern.compile(
            "(weak )?(\\w+)(?:\\{([^}]*)\\})?(?:\\[(-?\\d*)\\.\\.(-?\\d*)\\])?(?:<(\\d*)\\.\\.(\\d*)>)?");

    private SchemaNotation() {}

    /** The Open_vSwitch schema. */
    public static DatabaseSchema openVswitch() {
        return resource("open_vswitch.txt");
    }

    /** The _Server schema, by which clients see what databases a server has. */
    public static DatabaseSchema server() {
        return resource("server.txt");
    }

    private static DatabaseSchema resource(String name) {
        try (InputStream in = SchemaNotation.class.getResourceAsStream(name);
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return parse(reader.lines().toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static DatabaseSchema parse(List<String> lines) {
        String[] head = {};
        Map<String, TableSchema> tables = new LinkedHashMap<>();
        for (String line : lines) {
            if (line.startsWith("schema ")) {
                head = line.split(" ", 4);
            } else if (line.startsWith("table ")) {
                TableSchema table = table(line.split(" "));
                tables.put(table.name(), table);
            } else if (line.startsWith("  ")) {
                Map<String, ColumnSchema> columns = tables.values().stream()
                        .reduce((a, b) -> b)
                        .orElseThrow()
                        .columns();
                ColumnSchema column = column(line.strip(), columns.size());
                columns.put(column.name(), column);
            }
        }
        return new DatabaseSchema(head[1], head[2], head.length > 3 ? head[3] : "", tables);
    }

    private static TableSchema table(String[] words) {
        boolean root = false;
        int maxRows = ColumnSchema.UNLIMITED;
        List<List<String>> indexes = new ArrayList<>();
        for (int i = 2; i < words.length; i++) {
            switch (words[i]) {
                case "root" -> root = true;
                case "max" -> maxRows = Integer.parseInt(words[++i]);
                case "index" -> indexes.add(Arrays.asList(words[++i].split(",")));
                default -> throw new SchemaException("table " + words[1] + ": " + words[i]);
            }
        }
        return new TableSchema(words[1], new LinkedHashMap<>(), root, maxRows, indexes);
    }

    private static ColumnSchema column(String text, int index) {
        Matcher column = COLUMN.matcher(text);
        if (!column.matches()) {
            throw new SchemaException("not a column: " + text);
        }
        String arity = column.group(4) == null ? "" : column.group(4);
        int min = arity.isEmpty() || arity.equals("+")
                ? 1
                : column.group(5) != null ? Integer.parseInt(column.group(5)) : 0;
        int max = arity.isEmpty() || arity.equals("?")
                ? 1
                : column.group(6) != null ? Integer.parseInt(column.group(6)) : ColumnSchema.UNLIMITED;
        return new ColumnSchema(
                column.group(1),
                base(column.group(2)),
                column.group(3) == null ? null : base(column.group(3)),
                min,
                max,
                column.group(7) != null,
                column.group(8) == null,
                index);
    }

    private static BaseType base(String text) {
        Matcher base = BASE.matcher(text);
        if (!base.matches()) {
            throw new SchemaException("not a type: " + text);
        }
        AtomType atom = AtomType.ofWord(base.group(2));
        if (atom == null) {
            return BaseType.reference(base.group(2), base.group(1) != null);
        }
        List<Object> allowed = new ArrayList<>();
        if (base.group(3) != null) {
            for (String word : base.group(3).split(" ", -1)) {
                allowed.add(atom == AtomType.INTEGER ? (Object) Long.valueOf(word) : word);
            }
        }
        String minimum = atom == AtomType.STRING ? base.group(6) : base.group(4);
        String maximum = atom == AtomType.STRING ? base.group(7) : base.group(5);
        return new BaseType(atom, List.copyOf(allowed), bound(minimum), bound(maximum), null, false);
    }

    private static @Nullable Number bound(@Nullable String digits) {
        return digits == null || digits.isEmpty() ? null : Long.valueOf(digits);
    }
}
