package io.turnstile.datapath;

import io.turnstile.conntrack.Alg;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.DatapathAction.SetField;
import io.turnstile.packet.EtherTypes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * The parser of datapath actions, in the syntax that dump-flows prints and ovs-dpctl(8) takes. It reads what
 * {@link ActionText} writes, but for what is the pipeline's: packets for controllers and meters.
 *
 * <p>Threads: one parser, one text.
 */
public final class DatapathActionParser {
    /** Actions within actions, as deep as those of flows may be. */
    private static final int MAX_DEPTH = 16;

    private static final int DEFAULT_CFI = 1;

    private final String text;
    private final ToIntFunction<String> portNumber;

    private DatapathActionParser(String text, ToIntFunction<String> portNumber) {
        this.text = text;
        this.portNumber = portNumber;
    }

    /**
     * Reads a list of actions; {@code drop} and nothing at all are the empty list.
     *
     * @param portNumber the number of a port that is named; negative if there is none
     * @throws FlowSyntaxException what stands where nothing can be read
     */
    public static DatapathAction[] parse(String actions, ToIntFunction<String> portNumber) throws FlowSyntaxException {
        return new DatapathActionParser(actions, portNumber).list(actions.strip(), 0);
    }

    private static FlowSyntaxException error(String at) {
        return new FlowSyntaxException("syntax error at " + at);
    }

    private DatapathAction[] list(String actions, int depth) throws FlowSyntaxException {
        if (depth > MAX_DEPTH) {
            throw new FlowSyntaxException("actions are nested too deeply");
        }
        if (actions.isEmpty() || actions.equals("drop")) {
            return new DatapathAction[0];
        }
        List<DatapathAction> list = new ArrayList<>();
        for (String action : parts(actions)) {
            try {
                add(list, action, depth);
            } catch (NumberFormatException e) {
                throw error(action);
            }
        }
        return list.toArray(DatapathAction[]::new);
    }

    private void add(List<DatapathAction> list, String action, int depth) throws FlowSyntaxException {
        int open = action.indexOf('(');
        if (open > 0 && !action.endsWith(")")) {
            throw error(action);
        }
        String name = open > 0 ? action.substring(0, open).strip() : action;
        String inside =
                open > 0 ? action.substring(open + 1, action.length() - 1).strip() : "";
        switch (name) {
            case "set" -> addSet(list, inside);
            case "push_vlan" -> list.add(pushVlan(inside));
            case "pop_vlan" -> list.add(new DatapathAction.PopVlan());
            case "ct" -> list.add(new DatapathAction.Ct(ct(inside)));
            case "ct_clear" -> list.add(new DatapathAction.CtClear());
            case "recirc" -> list.add(new DatapathAction.Recirculate((int) FieldText.number(inside, 32)));
            case "clone" -> list.add(new DatapathAction.Clone(list(inside, depth + 1)));
            case "hash" -> list.add(hash(inside));
            case "check_pkt_len" -> list.add(checkLength(inside, depth));
            case "drop" -> list.add(new DatapathAction.Drop(DropReason.FLOW_DROP));
            default -> list.add(new DatapathAction.Output(port(action)));
        }
    }

    private int port(String name) throws FlowSyntaxException {
        int number = name.matches("[0-9]+") ? (int) FieldText.number(name, 31) : portNumber.applyAsInt(name);
        if (number < 0) {
            throw error(name);
        }
        return number;
    }

    /** What stands between commas that are outside of brackets. */
    private List<String> parts(String list) throws FlowSyntaxException {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        int from = 0;
        for (int i = 0; i < list.length(); i++) {
            char c = list.charAt(i);
            depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
            if (depth < 0) {
                throw error(list.substring(i));
            }
            if (c == ',' && depth == 0) {
                addPart(parts, list.substring(from, i));
                from = i + 1;
            }
        }
        if (depth != 0) {
            throw error(text);
        }
        addPart(parts, list.substring(from));
        return parts;
    }

    private static void addPart(List<String> parts, String part) {
        if (!part.isBlank()) {
            parts.add(part.strip());
        }
    }

    // ---- single actions ----

    /** {@code set(ipv4(src=…,ttl=…))}: one rewrite for each field that is named. */
    private void addSet(List<DatapathAction> list, String header) throws FlowSyntaxException {
        FlowMatchParser.Parsed parsed = FlowMatchParser.parse(header, portNumber);
        boolean some = false;
        for (Field field : Field.values()) {
            boolean isNamed = field.get(parsed.mask()) != 0 || field.getHigh(parsed.mask()) != 0;
            if (isNamed && field != Field.ETH_TYPE && field.isOfDatapath()) {
                list.add(new SetField(
                        field,
                        field.getHigh(parsed.key()),
                        field.get(parsed.key()),
                        field.getHigh(parsed.mask()),
                        field.get(parsed.mask())));
                some = true;
            }
        }
        if (!some) {
            throw error("set(" + header + ")");
        }
    }

    private DatapathAction pushVlan(String inside) throws FlowSyntaxException {
        int type = EtherTypes.VLAN;
        int vid = 0;
        int priority = 0;
        int cfi = DEFAULT_CFI;
        for (String pair : parts(inside)) {
            String value = value(pair);
            switch (name(pair)) {
                case "tpid" -> type = (int) FieldText.number(value, 16);
                case "vid" -> vid = (int) FieldText.number(value, 12);
                case "pcp" -> priority = (int) FieldText.number(value, 3);
                case "cfi" -> cfi = (int) FieldText.number(value, 1);
                default -> throw error(pair);
            }
        }
        return new DatapathAction.PushVlan(
                type, vid | priority << FieldValues.VLAN_PCP_SHIFT | (cfi == 0 ? 0 : FieldValues.VLAN_PRESENT));
    }

    private DatapathAction hash(String inside) throws FlowSyntaxException {
        for (HashAlgorithm algorithm : HashAlgorithm.values()) {
            if (inside.startsWith(algorithm.label() + "(") && inside.endsWith(")")) {
                String basis = inside.substring(algorithm.label().length() + 1, inside.length() - 1);
                return new DatapathAction.Hash(algorithm, (int) FieldText.number(basis.strip(), 32));
            }
        }
        throw error("hash(" + inside + ")");
    }

    private DatapathAction checkLength(String inside, int depth) throws FlowSyntaxException {
        List<String> parts = parts(inside);
        boolean isWhole = parts.size() == 3
                && name(parts.get(0)).equals("size")
                && parts.get(1).matches("(?s)gt\\(.*\\)")
                && parts.get(2).matches("(?s)le\\(.*\\)");
        if (!isWhole) {
            throw error("check_pkt_len(" + inside + ")");
        }
        return new DatapathAction.CheckPacketLength(
                (int) FieldText.number(value(parts.get(0)), 16),
                list(bracketed(parts.get(1)), depth + 1),
                list(bracketed(parts.get(2)), depth + 1));
    }

    private static String bracketed(String part) {
        return part.substring(3, part.length() - 1).strip();
    }

    private CtRequest ct(String inside) throws FlowSyntaxException {
        boolean commit = false;
        boolean force = false;
        int zone = 0;
        int timeouts = 0;
        FieldText.Value mark = new FieldText.Value(0, 0, 0, 0);
        FieldText.Value label = mark;
        Alg helper = Alg.NONE;
        NatRequest nat = null;
        for (String pair : parts(inside)) {
            String value = value(pair);
            String name = pair.startsWith("nat(") ? "nat" : name(pair);
            switch (name) {
                case "commit" -> commit = true;
                case "force_commit" -> {
                    commit = true;
                    force = true;
                }
                case "zone" -> zone = (int) FieldText.number(value, 16);
                case "mark" -> mark = FieldText.HEX.parse(Field.CT_MARK, value);
                case "label" -> label = FieldText.HEX.parse(Field.CT_LABEL, value);
                case "timeout" -> timeouts = (int) FieldText.number(value, 31);
                case "helper" ->
                    helper = Arrays.stream(Alg.values())
                            .filter(alg -> alg != Alg.NONE && alg.name().equalsIgnoreCase(value))
                            .findFirst()
                            .orElseThrow(() -> error(pair));
                case "nat" -> nat = DatapathNatParser.parse(pair);
                default -> throw error(pair);
            }
        }
        CtRequest request = new CtRequest(
                zone,
                commit,
                force,
                (int) (mark.low() & mark.maskLow()),
                (int) mark.maskLow(),
                label.high() & label.maskHigh(),
                label.low() & label.maskLow(),
                label.maskHigh(),
                label.maskLow());
        request = request.with(helper).withTimeouts(timeouts);
        return nat == null ? request : request.with(nat);
    }

    private static String name(String pair) {
        return pair.contains("=") ? pair.substring(0, pair.indexOf('=')).strip() : pair;
    }

    private static String value(String pair) {
        return pair.contains("=") ? pair.substring(pair.indexOf('=') + 1).strip() : "";
    }
}
