package io.turnstile.ovsdb.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.ovsdb.schema.AtomType;
import io.turnstile.ovsdb.schema.BaseType;
import io.turnstile.ovsdb.schema.ColumnSchema;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Values: what JSON is taken for one, what their constraints say, and their arithmetic against plain sets and maps. */
class DatumTest {
    private static final BaseType STRING = BaseType.of(AtomType.STRING);
    private static final ColumnSchema SET = column(STRING, null, 0, ColumnSchema.UNLIMITED);
    private static final ColumnSchema MAP = column(STRING, STRING, 0, ColumnSchema.UNLIMITED);

    private static ColumnSchema column(BaseType key, BaseType value, int min, int max) {
        return new ColumnSchema("c", key, value, min, max, false, true, 0);
    }

    private static BaseType bounded(AtomType atom, Number min, Number max) {
        return new BaseType(atom, List.of(), min, max, null, false);
    }

    private static Datum read(String json, ColumnSchema column) {
        try {
            return Datum.fromJson(OvsdbJson.MAPPER.readTree(json.replace('\'', '"')), column, Atoms.NamedUuids.NONE);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static void assertRefused(String json, ColumnSchema column, String message) {
        assertThatThrownBy(() -> read(json, column))
                .as(json)
                .isInstanceOf(OvsdbException.class)
                .hasMessage(message);
    }

    @Test
    void aSetOfOneIsWrittenBareAndAllElseInBrackets() {
        for (String json : List.of("\"a\"", "[\"set\",[]]", "[\"set\",[\"a\",\"b\"]]")) {
            assertThat(read(json, SET).toJson(SET)).hasToString(json);
        }
        assertThat(read("['set',['a']]", SET).toJson(SET)).hasToString("\"a\"");
        assertThat(read("['map',[['k','v']]]", MAP).toJson(MAP)).hasToString("[\"map\",[[\"k\",\"v\"]]]");
        assertThat(read("['map',[]]", MAP).toJson(MAP)).hasToString("[\"map\",[]]");
        assertThat(read("['set',['b','a','ü','Z']]", SET).keys()).as("by bytes").containsExactly("Z", "a", "b", "ü");
    }

    @Test
    void numbersAreTakenByTheirValue() {
        ColumnSchema integer = column(BaseType.of(AtomType.INTEGER), null, 1, 1);
        ColumnSchema real = column(BaseType.of(AtomType.REAL), null, 1, 1);
        assertThat(read("1e3", integer).key(0)).isEqualTo(1000L);
        assertThat(read("2.0", integer).key(0)).isEqualTo(2L);
        assertThat(read("-9223372036854775808", integer).key(0)).isEqualTo(Long.MIN_VALUE);
        assertThat(read("3", real).key(0)).isEqualTo(3.0);
        assertThat(read("0.30000000000000004", real).toJson(real)).hasToString("0.30000000000000004");
        assertRefused("1.5", integer, "syntax error: expected integer");
        assertRefused("9223372036854775808", integer, "syntax error: expected integer");
        assertThatThrownBy(() -> read("1e400", real)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void constraintsSpeakLikeOvsdbServer() {
        assertRefused(
                "'foo'",
                column(
                        new BaseType(AtomType.STRING, List.of("standalone", "secure"), null, null, null, false),
                        null,
                        0,
                        1),
                "constraint violation: foo is not one of the allowed values ([secure, standalone])");
        assertRefused(
                "9",
                column(bounded(AtomType.INTEGER, 10, 20), null, 0, 1),
                "constraint violation: 9 is not in the valid range 10 to 20 (inclusive)");
        assertRefused(
                "9",
                column(bounded(AtomType.INTEGER, 10, null), null, 0, 1),
                "constraint violation: 9 is less than minimum allowed value 10");
        assertRefused(
                "1e22",
                column(bounded(AtomType.REAL, null, 1.5), null, 0, 1),
                "constraint violation: 1e+22 is greater than maximum allowed value 1.5");
        assertRefused(
                "'x'",
                column(bounded(AtomType.STRING, 2, 4), null, 0, 1),
                "constraint violation: \"x\" length 1 is less than minimum allowed length 2");
        assertThat(read(
                                "'\uD83D\uDE00\uD83D\uDE00\uD83D\uDE00\uD83D\uDE00'",
                                column(bounded(AtomType.STRING, 2, 4), null, 0, 1))
                        .size())
                .as("characters, not UTF-16 units")
                .isEqualTo(1);
    }

    @Test
    void arityAndTwinsAreErrors() {
        ColumnSchema optional = column(STRING, null, 0, 1);
        assertRefused("['set',['a','b']]", optional, "syntax error: set must have 0 to 1 members but 2 are present");
        assertRefused(
                "['set',[]]",
                column(STRING, null, 1, 1),
                "syntax error: set must have exactly one member but 0 are present");
        assertRefused("['set',['a','a']]", SET, "ovsdb error: set contains duplicate");
        assertRefused("['map',[['k','v'],['k','w']]]", MAP, "ovsdb error: map contains duplicate key");
        assertRefused("['map',[['k']]]", MAP, "syntax error: expected 2-element array");
        assertRefused("'a'", MAP, "syntax error: expected [\"map\", <array>]");
        assertRefused("['set','a']", SET, "syntax error: expected [\"set\", <array>]");
        assertRefused(
                "['named-uuid','a']",
                column(BaseType.of(AtomType.UUID), null, 1, 1),
                "syntax error: expected [\"uuid\", <string>]");
    }

    @Test
    void textThatNoFileCanHoldIsNoJson() {
        for (String text : List.of("'\\u0000'", "'a\\u0000b'", "'\\ud800'", "'\\ude00\\ud83d'")) {
            assertThatThrownBy(() -> read(text, SET)).as(text).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(read("'\\ud83d\\ude00'", SET).key(0)).isEqualTo("\uD83D\uDE00");
    }

    @Test
    void setArithmeticEqualsPlainSets() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            Set<Object> a = randomSet(random);
            Set<Object> b = randomSet(random);
            Datum left = Datum.ofSet(a);
            Datum right = Datum.ofSet(b);
            Set<Object> union = new HashSet<>(a);
            union.addAll(b);
            Set<Object> minus = new HashSet<>(a);
            minus.removeAll(b);
            Set<Object> common = new HashSet<>(a);
            common.retainAll(b);
            Set<Object> difference = new HashSet<>(union);
            difference.removeAll(common);
            assertThat(left.union(right)).as("seed %d", seed).isEqualTo(Datum.ofSet(union));
            assertThat(left.minus(right)).as("seed %d", seed).isEqualTo(Datum.ofSet(minus));
            assertThat(left.includes(right)).isEqualTo(a.containsAll(b));
            assertThat(left.excludes(right)).isEqualTo(common.isEmpty());
            assertThat(left.differenceTo(right, SET)).as("seed %d", seed).isEqualTo(Datum.ofSet(difference));
            assertThat(left.apply(left.differenceTo(right, SET), SET))
                    .as("seed %d", seed)
                    .isEqualTo(right);
            assertThat(left.equals(right)).isEqualTo(a.equals(b));
        }
    }

    @Test
    void mapArithmeticEqualsPlainMaps() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            Map<Object, Object> a = randomMap(random);
            Map<Object, Object> b = randomMap(random);
            Datum left = Datum.ofMap(a);
            Datum right = Datum.ofMap(b);
            Map<Object, Object> union = new HashMap<>(b);
            union.putAll(a); // What is there keeps its value.
            Map<Object, Object> minus = new HashMap<>(a);
            minus.entrySet().removeAll(b.entrySet());
            Map<Object, Object> withoutKeys = new HashMap<>(a);
            withoutKeys.keySet().removeAll(b.keySet());
            Map<Object, Object> difference = new HashMap<>(a);
            difference.putAll(b);
            a.entrySet().stream().filter(b.entrySet()::contains).forEach(same -> difference.remove(same.getKey()));
            assertThat(left.union(right)).as("seed %d", seed).isEqualTo(Datum.ofMap(union));
            assertThat(left.minus(right)).as("seed %d", seed).isEqualTo(Datum.ofMap(minus));
            assertThat(left.minus(Datum.ofSet(b.keySet()))).as("seed %d", seed).isEqualTo(Datum.ofMap(withoutKeys));
            assertThat(left.includes(right)).isEqualTo(a.entrySet().containsAll(b.entrySet()));
            assertThat(left.differenceTo(right, MAP)).as("seed %d", seed).isEqualTo(Datum.ofMap(difference));
            assertThat(left.apply(left.differenceTo(right, MAP), MAP))
                    .as("seed %d", seed)
                    .isEqualTo(right);
        }
    }

    private static Set<Object> randomSet(Random random) {
        Set<Object> set = new HashSet<>();
        for (int i = random.nextInt(5); i > 0; i--) {
            set.add("" + (char) ('a' + random.nextInt(6)));
        }
        return set;
    }

    private static Map<Object, Object> randomMap(Random random) {
        Map<Object, Object> map = new HashMap<>();
        randomSet(random).forEach(key -> map.put(key, "" + random.nextInt(2)));
        return map;
    }
}
