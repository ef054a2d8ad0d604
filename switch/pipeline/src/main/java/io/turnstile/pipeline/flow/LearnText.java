package io.turnstile.pipeline.flow;

import io.turnstile.datapath.FieldText;
import io.turnstile.pipeline.flow.MatchField.Masked;
import io.turnstile.pipeline.flow.OfAction.FieldPart;
import io.turnstile.pipeline.flow.OfAction.LearnedPart;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The text of {@code learn(…)} and {@code fin_timeout(…)}. */
final class LearnText {
    private static final int DEFAULT_PRIORITY = 0x8000;
    private static final int DEFAULT_TABLE = 1;

    /** What is read so far. */
    private int table = DEFAULT_TABLE;

    private int idle;
    private int hard;
    private int finIdle;
    private int finHard;
    private int priority = DEFAULT_PRIORITY;
    private long cookie;
    private boolean sendFlowRem;
    private boolean deleteLearned;
    private int limit;
    private @Nullable FieldPart result;
    private final List<LearnedPart> parts = new ArrayList<>();
    private final String whole;
    private final PortNames ports;

    private LearnText(String whole, PortNames ports) {
        this.whole = whole;
        this.ports = ports;
    }

    // ---- reading ----

    static OfAction.Learn read(String value, ActionParser parser) throws FlowTextException {
        return new LearnText(value, parser.ports()).read();
    }

    private OfAction.Learn read() throws FlowTextException {
        KeyValueScanner scanner = new KeyValueScanner(whole);
        while (scanner.next()) {
            String value = scanner.value();
            switch (scanner.key()) {
                case "table" -> table = table(value);
                case "priority" -> priority = (int) Numbers.leading(value) & 0xffff;
                case "idle_timeout" -> idle = (int) Numbers.leading(value) & 0xffff;
                case "hard_timeout" -> hard = (int) Numbers.leading(value) & 0xffff;
                case "fin_idle_timeout" -> finIdle = (int) Numbers.leading(value) & 0xffff;
                case "fin_hard_timeout" -> finHard = (int) Numbers.leading(value) & 0xffff;
                case "cookie" -> cookie = Numbers.parse64(value);
                case "send_flow_rem" -> sendFlowRem = true;
                case "delete_learned" -> deleteLearned = true;
                case "limit" -> limit = (int) Numbers.leading(value);
                case "result_dst" -> result = result(value);
                case "load" -> parts.add(load(value));
                case "output" -> parts.add(new LearnedPart.Output(part(SubFieldText.parse(value))));
                default -> parts.add(matched(scanner.key(), value));
            }
        }
        return new OfAction.Learn(
                table,
                idle,
                hard,
                finIdle,
                finHard,
                priority,
                cookie,
                sendFlowRem,
                deleteLearned,
                limit,
                result,
                List.copyOf(parts));
    }

    private int table(String value) throws FlowTextException {
        if (!value.matches("[0-9]{1,3}") || Integer.parseInt(value) > 255) {
            throw new FlowTextException("unknown table \"" + value + "\"");
        }
        int number = Integer.parseInt(value);
        if (number == FlowMod.ALL_TABLES) {
            throw new FlowTextException(whole + ": table id 255 not valid for `learn' action");
        }
        return number;
    }

    private static FieldPart result(String value) throws FlowTextException {
        SubFieldText.Parsed bit = SubFieldText.parse(value);
        if (!bit.field().writable()) {
            throw new FlowTextException(value + " is read-only");
        }
        if (bit.widthBits() != 1) {
            throw new FlowTextException("result_dst in 'learn' action must be a single bit");
        }
        return part(bit);
    }

    private LearnedPart load(String value) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow == 0) {
            throw new FlowTextException("load: missing source before `->' in `" + value + "'");
        }
        if (arrow < 0) {
            throw new FlowTextException("load: missing `->' in `" + value + "'");
        }
        if (!Character.isDigit(value.charAt(0)) && value.charAt(0) != '-') {
            OfAction.Move move = SubFieldActionText.readMove(value);
            SubFieldText.Parsed source =
                    SubFieldText.parse(value.substring(0, arrow).trim());
            SubFieldText.Parsed destination =
                    SubFieldText.parse(value.substring(arrow + 2).trim());
            if (move.source().widthBits() != source.widthBits()) {
                throw new IllegalStateException(value + " was read in two ways");
            }
            return new LearnedPart.Loaded(numbered(part(destination), value), part(source));
        }
        SubFieldText.Parsed destination =
                SubFieldActionText.writable(value.substring(arrow + 2).trim());
        return new LearnedPart.LoadedValue(
                numbered(part(destination), value), immediate(destination, value.substring(0, arrow)));
    }

    private LearnedPart matched(String name, String value) throws FlowTextException {
        if (MatchField.named(name.replaceFirst("\\[.*", "")) == null) {
            throw new FlowTextException(whole + ": unknown keyword " + name);
        }
        SubFieldText.Parsed destination = SubFieldText.parse(name);
        FieldPart to = numbered(part(destination), name);
        if (value.isEmpty()) {
            return new LearnedPart.Matched(to, to);
        }
        if (MatchField.named(value.replaceFirst("\\[.*", "")) != null) {
            SubFieldText.Parsed source = SubFieldText.parse(value);
            if (source.widthBits() != destination.widthBits()) {
                throw new FlowTextException(whole + ": bit widths of " + name + " (" + source.widthBits() + ") and "
                        + value + " (" + destination.widthBits() + ") differ");
            }
            return new LearnedPart.Matched(to, part(source));
        }
        boolean wholeField = destination.offsetBits() == 0
                && destination.widthBits() == destination.field().widthBits();
        if (!wholeField) {
            return new LearnedPart.MatchedValue(to, immediate(destination, value));
        }
        Masked masked = ValueText.parse(destination.field(), value, ports);
        return new LearnedPart.MatchedValue(
                to, new Bits(masked.high(), masked.low()).and(Bits.ones(destination.widthBits())));
    }

    private FieldPart numbered(FieldPart part, String name) throws FlowTextException {
        if (!part.field().isCoded()) {
            throw new FlowTextException(whole + ": experimenter OXM field '" + name + "' not supported");
        }
        return part;
    }

    private Bits immediate(SubFieldText.Parsed destination, String text) throws FlowTextException {
        BigInteger number = Numbers.big(text);
        if (number.signum() < 0 || number.bitLength() > destination.widthBits()) {
            throw new FlowTextException(
                    whole + ": value " + text + " does not fit into " + destination.widthBits() + " bits");
        }
        return new Bits(number.shiftRight(Long.SIZE).longValue(), number.longValue());
    }

    private static FieldPart part(SubFieldText.Parsed parsed) {
        return new FieldPart(parsed.field(), parsed.offsetBits(), parsed.widthBits());
    }

    // ---- printing ----

    static String print(OfAction.Learn a) {
        StringBuilder text = new StringBuilder("learn(table=").append(a.tableId());
        number(text, "idle_timeout", a.idleTimeoutSeconds());
        number(text, "hard_timeout", a.hardTimeoutSeconds());
        number(text, "fin_idle_timeout", a.finIdleTimeoutSeconds());
        number(text, "fin_hard_timeout", a.finHardTimeoutSeconds());
        if (a.priority() != DEFAULT_PRIORITY) {
            text.append(",priority=").append(a.priority());
        }
        text.append(a.sendFlowRem() ? ",send_flow_rem" : "").append(a.deleteLearned() ? ",delete_learned" : "");
        if (a.cookie() != 0) {
            text.append(",cookie=").append(Numbers.hex(a.cookie()));
        }
        if (a.limit() != 0) {
            text.append(",limit=").append(Integer.toUnsignedString(a.limit()));
        }
        if (a.result() != null) {
            text.append(",result_dst=").append(print(a.result()));
        }
        a.parts().forEach(part -> text.append(',').append(print(part)));
        return text.append(')').toString();
    }

    private static void number(StringBuilder text, String name, int value) {
        if (value != 0) {
            text.append(',').append(name).append('=').append(value);
        }
    }

    private static String print(LearnedPart part) {
        return switch (part) {
            case LearnedPart.Matched a ->
                print(a.destination()) + (a.source().equals(a.destination()) ? "" : "=" + print(a.source()));
            case LearnedPart.MatchedValue a -> matchedValue(a);
            case LearnedPart.Loaded a -> "load:" + print(a.source()) + "->" + print(a.destination());
            case LearnedPart.LoadedValue a -> "load:" + hex(a.value()) + "->" + print(a.destination());
            case LearnedPart.Output a -> "output:" + print(a.source());
        };
    }

    private static String matchedValue(LearnedPart.MatchedValue a) {
        MatchField field = a.destination().field();
        boolean whole = a.destination().widthBits() == field.widthBits();
        if (!whole) {
            return print(a.destination()) + "=" + hex(a.value());
        }
        Masked masked = new Masked(a.value().high(), a.value().low(), -1L, field.lowMask());
        return field.name() + "=" + ValueText.format(field, masked);
    }

    private static String hex(Bits value) {
        return FieldText.hex(value.high(), value.low());
    }

    private static String print(FieldPart part) {
        return SubFieldText.format(part.field(), part.offsetBits(), part.widthBits());
    }

    // ---- fin_timeout ----

    static OfAction.FinTimeout readFinTimeout(String value) throws FlowTextException {
        int idle = 0;
        int hard = 0;
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            switch (scanner.key()) {
                case "idle_timeout" -> idle = (int) Numbers.parse("idle_timeout", scanner.value(), 0xffff);
                case "hard_timeout" -> hard = (int) Numbers.parse("hard_timeout", scanner.value(), 0xffff);
                default -> throw new FlowTextException("invalid key '" + scanner.key() + "' in 'fin_timeout' argument");
            }
        }
        return new OfAction.FinTimeout(idle, hard);
    }

    static String print(OfAction.FinTimeout a) {
        List<String> parts = new ArrayList<>();
        if (a.idleSeconds() != 0) {
            parts.add("idle_timeout=" + a.idleSeconds());
        }
        if (a.hardSeconds() != 0) {
            parts.add("hard_timeout=" + a.hardSeconds());
        }
        return "fin_timeout(" + String.join(",", parts) + ")";
    }
}
