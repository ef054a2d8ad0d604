package io.turnstile.pipeline.flow;

import io.turnstile.pipeline.flow.OfAction.FieldPart;
import io.turnstile.pipeline.flow.OfAction.Multipath.Algorithm;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.StringTokenizer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The text of actions that choose by a hash: {@code multipath}, {@code bundle} and {@code bundle_load}. */
final class ChoiceText {
    private static final int MOST_LINKS = 65536;

    private ChoiceText() {}

    // ---- multipath ----

    static OfAction.Multipath readMultipath(String value) throws FlowTextException {
        StringTokenizer words = new StringTokenizer(value, ", ");
        if (words.countTokens() < 6) {
            throw new FlowTextException(value + ": not enough arguments to multipath action");
        }
        HashFields fields = fields(words.nextToken(), value);
        int basis = (int) Numbers.leading(words.nextToken()) & 0xffff;
        String name = words.nextToken();
        Algorithm algorithm = Arrays.stream(Algorithm.values())
                .filter(one -> one.name().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new FlowTextException(value + ": unknown algorithm `" + name + "'"));
        long links = Numbers.leading(words.nextToken());
        if (links < 1 || links > MOST_LINKS) {
            throw new FlowTextException(
                    value + ": n_links " + (int) links + " is not in valid range 1 to " + MOST_LINKS);
        }
        int argument = (int) Numbers.leading(words.nextToken());
        FieldPart destination = destination(words.nextToken(), value);
        int bits = destination.widthBits();
        if (bits < 16 && links > 1L << bits) {
            throw new FlowTextException(value + ": " + bits + "-bit destination field has " + (1 << bits)
                    + " possible values, less than specified n_links " + links);
        }
        return new OfAction.Multipath(fields, basis, algorithm, (int) links, argument, destination);
    }

    private static HashFields fields(String name, String whole) throws FlowTextException {
        return HashFields.named(name)
                .orElseThrow(() -> new FlowTextException(whole + ": unknown fields `" + name + "'"));
    }

    private static FieldPart destination(String text, String whole) throws FlowTextException {
        SubFieldText.Parsed part = SubFieldText.parse(text);
        if (!part.field().isCoded()) {
            throw new FlowTextException(whole + ": experimenter OXM field '" + text + "' not supported");
        }
        return new FieldPart(part.field(), part.offsetBits(), part.widthBits());
    }

    static String print(OfAction.Multipath a) {
        return "multipath(" + a.fields().label() + "," + a.basis() + ","
                + a.algorithm().name().toLowerCase(Locale.ROOT) + "," + a.links() + ","
                + Integer.toUnsignedString(a.argument()) + "," + print(a.destination()) + ")";
    }

    private static String print(FieldPart part) {
        return SubFieldText.format(part.field(), part.offsetBits(), part.widthBits());
    }

    // ---- bundle ----

    /** @param loads whether the words have a destination */
    static OfAction.Bundle readBundle(String value, boolean loads, PortNames ports) throws FlowTextException {
        StringTokenizer words = new StringTokenizer(value, ", ");
        if (words.countTokens() < (loads ? 6 : 5)) {
            throw new FlowTextException(
                    value + ": not enough arguments to " + (loads ? "bundle_load" : "bundle") + " action");
        }
        String fields = words.nextToken();
        int basis = (int) Numbers.leading(words.nextToken()) & 0xffff;
        String algorithm = words.nextToken();
        String type = words.nextToken();
        String destination = loads ? words.nextToken() : null;
        String delimiter = words.nextToken(": ").replaceFirst("^,", "").trim();
        if (!delimiter.equalsIgnoreCase("members") && !delimiter.equalsIgnoreCase("slaves")) {
            throw new FlowTextException(
                    value + ": missing member delimiter, expected `members', got `" + delimiter + "'");
        }
        List<Integer> members = new ArrayList<>();
        while (members.size() < OfAction.Bundle.MOST_MEMBERS && words.hasMoreTokens()) {
            String member = words.nextToken(":, []");
            OptionalInt port = ports.parse(member);
            if (port.isEmpty()) {
                throw new FlowTextException(member + ": bad port number");
            }
            members.add(port.getAsInt());
        }
        boolean first = algorithm.equalsIgnoreCase("active_backup");
        HashFields by = fields(fields, value);
        if (!first && !algorithm.equalsIgnoreCase("hrw")) {
            throw new FlowTextException(value + ": unknown algorithm `" + algorithm + "'");
        }
        if (!type.equalsIgnoreCase("ofport")) {
            throw new FlowTextException(value + ": unknown member_type `" + type + "'");
        }
        return new OfAction.Bundle(by, basis, !first, place(destination, value), List.copyOf(members));
    }

    private static @Nullable FieldPart place(@Nullable String text, String whole) throws FlowTextException {
        return text == null ? null : destination(text, whole);
    }

    static String print(OfAction.Bundle a) {
        FieldPart destination = a.destination();
        return (destination == null ? "bundle(" : "bundle_load(") + a.fields().label() + "," + a.basis() + ","
                + (a.highestRandomWeight() ? "hrw" : "active_backup") + ",ofport,"
                + (destination == null ? "" : print(destination) + ",") + "members:"
                + a.members().stream().map(PortNames::format).collect(Collectors.joining(",")) + ")";
    }
}
