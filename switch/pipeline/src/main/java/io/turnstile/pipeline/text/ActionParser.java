package io.turnstile.pipeline.text;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.pipeline.PacketInReason;
import io.turnstile.pipeline.text.MatchField.Masked;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/** Reads a list of actions and instructions (ovs-actions(7)). */
final class ActionParser {
    private static final int MAX_LENGTH = 0xffff;
    private static final Set<Field> CT_WRITABLE = Set.of(Field.CT_MARK, Field.CT_LABEL);

    /** Actions of ovs-actions(7) that this switch refuses by name. */
    private static final Set<String> UNSUPPORTED = Set.of(
            "group",
            "enqueue",
            "bundle",
            "bundle_load",
            "multipath",
            "conjunction",
            "learn",
            "exit",
            "fin_timeout",
            "clone",
            "sample",
            "set_queue",
            "pop_queue",
            "set_tunnel",
            "set_tunnel64",
            "meter",
            "push_mpls",
            "pop_mpls",
            "set_mpls_label",
            "set_mpls_tc",
            "set_mpls_ttl",
            "dec_mpls_ttl",
            "encap",
            "decap",
            "dec_nsh_ttl",
            "check_pkt_larger",
            "delete_field",
            "output_trunc",
            "debug_recirc",
            "debug_slow",
            "nat",
            "unroll_xlate");

    /** Where in a flow the parser stands. */
    private enum Place {
        FLOW,
        ACTION_SET,
        CT_EXEC
    }

    private final PortNames ports;

    ActionParser(PortNames ports) {
        this.ports = ports;
    }

    List<OfAction> parse(String text) throws FlowTextException {
        return parse(text, Place.FLOW);
    }

    private List<OfAction> parse(String text, Place place) throws FlowTextException {
        List<OfAction> actions = new ArrayList<>();
        boolean drop = false;
        KeyValueScanner scanner = new KeyValueScanner(text);
        while (scanner.next()) {
            String key = scanner.key().toLowerCase(Locale.ROOT);
            if (key.equals("drop")) {
                drop = true;
                continue;
            }
            OfAction action = one(key, scanner.key(), scanner.value());
            checkPlace(action, place, key);
            actions.add(action);
        }
        if (drop && !actions.isEmpty()) {
            throw new FlowTextException("\"drop\" must not be accompanied by any other action or instruction");
        }
        InstructionOrder.check(actions);
        return List.copyOf(actions);
    }

    private static void checkPlace(OfAction action, Place place, String key) throws FlowTextException {
        boolean ctField = action instanceof OfAction.SetField set && CT_WRITABLE.contains(set.field())
                || action instanceof OfAction.Move move
                        && CT_WRITABLE.contains(move.destination().field());
        boolean fits = switch (place) {
                    case FLOW -> !ctField;
                    case ACTION_SET -> !ctField && InstructionOrder.rank(action) == InstructionOrder.APPLY;
                    case CT_EXEC -> ctField || action instanceof OfAction.Nat;
                }
                && (place == Place.CT_EXEC || !(action instanceof OfAction.Nat));
        if (!fits) {
            throw new FlowTextException(
                    ctField
                            ? "cannot set CT fields outside of ct nesting"
                            : action instanceof OfAction.Nat
                                    ? "Cannot have NAT action outside of \"ct\" action"
                                    : place == Place.CT_EXEC
                                            ? "ct action doesn't support nested " + named(action, key)
                                            : key + " instruction not allowed here");
        }
    }

    private static String named(OfAction action, String key) {
        return switch (action) {
            case OfAction.SetField set -> "modification of " + set.field().label();
            case OfAction.Move move ->
                "modification of " + move.destination().field().label();
            default -> "action " + key;
        };
    }

    private OfAction one(String key, String original, String value) throws FlowTextException {
        return switch (key) {
            case "output" -> output(value);
            case "controller" -> controller(value);
            case "resubmit" -> resubmit(value);
            case "goto_table" -> new OfAction.GotoTable(table(value));
            case "set_field" -> setField(value);
            case "load" -> load(value);
            case "move" -> move(value);
            case "push" -> new OfAction.StackPush(SubFieldText.parse(value).toKey());
            case "pop" ->
                new OfAction.StackPop(writable(SubFieldText.parse(value), value).toKey());
            case "ct" -> ct(value);
            case "nat" -> new OfAction.Nat(NatParser.parse(value));
            case "ct_clear" -> new OfAction.CtClear();
            case "strip_vlan", "pop_vlan" -> new OfAction.PopVlan();
            case "push_vlan" -> pushVlan(value);
            case "dec_ttl" -> decTtl(value);
            case "note" -> new OfAction.Note(noteBytes(value));
            case "write_metadata" -> writeMetadata(value);
            case "write_actions" -> new OfAction.WriteActions(parse(value, Place.ACTION_SET));
            case "clear_actions" -> new OfAction.ClearActions();
            case "apply_actions" -> throw new FlowTextException("apply_actions is the default instruction");
            default -> modify(key, original, value);
        };
    }

    private OfAction modify(String key, String original, String value) throws FlowTextException {
        return switch (key) {
            case "mod_vlan_vid", "set_vlan_vid" ->
                new OfAction.SetVlanVid(
                        (int) Numbers.parse("VLAN VID", value, FieldValues.VLAN_VID_MASK), key.startsWith("mod"));
            case "mod_vlan_pcp", "set_vlan_pcp" ->
                new OfAction.SetVlanPcp((int) Numbers.parse("VLAN PCP", value, 7), key.startsWith("mod"));
            case "mod_dl_src" -> set("eth_src", value);
            case "mod_dl_dst" -> set("eth_dst", value);
            case "mod_nw_src" -> set("ip_src", value);
            case "mod_nw_dst" -> set("ip_dst", value);
            case "mod_nw_tos" -> tos(value);
            case "mod_nw_ecn" -> set("nw_ecn", value);
            case "mod_nw_ttl", "set_nw_ttl" -> set("nw_ttl", value);
            case "mod_tp_src" -> set("tcp_src", value);
            case "mod_tp_dst" -> set("tcp_dst", value);
            default -> portOrUnknown(key, original);
        };
    }

    private OfAction portOrUnknown(String key, String original) throws FlowTextException {
        if (UNSUPPORTED.contains(key)) {
            throw new FlowTextException("action " + key + " is not supported");
        }
        OptionalInt port = ports.parse(original);
        if (port.isEmpty()) {
            throw new FlowTextException("unknown action " + original);
        }
        return toPort(port.getAsInt(), MAX_LENGTH);
    }

    private static OfAction toPort(int port, int controllerMaxLength) {
        return port == Ports.CONTROLLER
                ? new OfAction.Controller(controllerMaxLength, PacketInReason.ACTION, 0)
                : new OfAction.Output(port);
    }

    private OfAction output(String value) throws FlowTextException {
        if (value.contains("port") && value.contains("max_len")) {
            throw new FlowTextException("action output(port=…,max_len=…) is not supported");
        }
        OptionalInt port = ports.parse(value);
        if (port.isPresent()) {
            return toPort(port.getAsInt(), MAX_LENGTH);
        }
        if (MatchField.named(value.replaceFirst("\\[.*", "")) == null) {
            throw new FlowTextException(value + ": output to unknown port");
        }
        return new OfAction.OutputField(SubFieldText.parse(value).toKey(), MAX_LENGTH);
    }

    private OfAction controller(String value) throws FlowTextException {
        if (value.matches("[0-9]+")) {
            return new OfAction.Controller((int) Numbers.parse("max_len", value, MAX_LENGTH), PacketInReason.ACTION, 0);
        }
        int maxLength = MAX_LENGTH;
        PacketInReason reason = PacketInReason.ACTION;
        int id = 0;
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            switch (scanner.key()) {
                case "max_len" -> maxLength = (int) Numbers.parse("max_len", scanner.value(), MAX_LENGTH);
                case "reason" -> reason = reason(scanner.value());
                case "id" -> id = (int) Numbers.parse("id", scanner.value(), 0xffff);
                case "userdata", "pause", "meter_id" ->
                    throw new FlowTextException("controller(" + scanner.key() + "…) is not supported");
                default ->
                    throw new FlowTextException("unknown key \"" + scanner.key() + "\" parsing controller action");
            }
        }
        return new OfAction.Controller(maxLength, reason, id);
    }

    private static PacketInReason reason(String name) throws FlowTextException {
        return PacketInReason.named(name).orElseThrow(() -> new FlowTextException("unknown reason \"" + name + "\""));
    }

    private OfAction resubmit(String value) throws FlowTextException {
        String[] parts = value.split(",", -1);
        int port = Ports.IN_PORT;
        if (!parts[0].isBlank()) {
            OptionalInt named = ports.parse(parts[0].trim());
            if (named.isEmpty()) {
                throw new FlowTextException(parts[0] + ": resubmit to unknown port");
            }
            port = named.getAsInt();
        }
        int table = parts.length > 1 && !parts[1].isBlank() ? table(parts[1].trim()) : OfAction.Resubmit.SAME_TABLE;
        boolean tuple = parts.length > 2 && !parts[2].isBlank();
        if (tuple && !parts[2].trim().equals("ct")) {
            throw new FlowTextException(parts[2] + ": unknown parameter");
        }
        if (port == Ports.IN_PORT && table == OfAction.Resubmit.SAME_TABLE) {
            throw new FlowTextException("at least one \"in_port\" or \"table\" must be specified on resubmit");
        }
        return new OfAction.Resubmit(port, table, tuple);
    }

    private static int table(String value) throws FlowTextException {
        return (int) Numbers.parse("table", value, 255);
    }

    private OfAction setField(String value) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow < 0) {
            throw new FlowTextException(value + ": missing `->'");
        }
        return set(value.substring(arrow + 2).trim(), value.substring(0, arrow).trim());
    }

    private OfAction set(String name, String value) throws FlowTextException {
        MatchField field = MatchField.named(name);
        if (field == null) {
            throw new FlowTextException(name + " is not a valid OXM field name");
        }
        if (!field.writable()) {
            throw new FlowTextException(name + " is read-only");
        }
        if (field.access() == MatchField.Access.NOT_SET_FIELD) {
            throw new FlowTextException(name + " cannot be set with set_field");
        }
        Masked masked = ValueText.parse(field, value, ports);
        return setField(field, masked, false);
    }

    /** @param masked in the field's own numbering */
    static OfAction.SetField setField(MatchField field, Masked masked, boolean load) {
        int shift = field.offsetBits();
        return new OfAction.SetField(
                field.field(),
                masked.high() & masked.maskHigh(),
                (masked.low() & masked.maskLow()) << shift,
                masked.maskHigh(),
                masked.maskLow() << shift,
                load);
    }

    private OfAction tos(String value) throws FlowTextException {
        long tos = Numbers.parse("TOS", value, 0xff);
        if ((tos & 3) != 0) {
            throw new FlowTextException(value + ": not a valid TOS");
        }
        return new OfAction.SetField(Field.NW_TOS, 0, tos, 0, FieldValues.DSCP_MASK);
    }

    private OfAction load(String value) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow < 0) {
            throw new FlowTextException(value + ": missing `->'");
        }
        String target = value.substring(arrow + 2).trim();
        SubFieldText.Parsed destination = writable(SubFieldText.parse(target), target);
        SubFieldText.Placed placed = destination.place(Numbers.big(value.substring(0, arrow)), value);
        Field field = destination.field().field();
        if (field == Field.IN_PORT && destination.widthBits() == 16) {
            long port = placed.low() >= 0xff00 ? placed.low() | 0xffff_0000L : placed.low();
            return new OfAction.SetField(field, 0, port, 0, 0xffff_ffffL, true);
        }
        return new OfAction.SetField(field, placed.high(), placed.low(), placed.maskHigh(), placed.maskLow(), true);
    }

    private static SubFieldText.Parsed writable(SubFieldText.Parsed target, String text) throws FlowTextException {
        if (!target.field().writable()) {
            throw new FlowTextException(text + ": field is read-only");
        }
        return target;
    }

    private OfAction move(String value) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow < 0) {
            throw new FlowTextException(value + ": missing `->' following source");
        }
        SubFieldText.Parsed source =
                SubFieldText.parse(value.substring(0, arrow).trim());
        String target = value.substring(arrow + 2).trim();
        SubFieldText.Parsed destination = writable(SubFieldText.parse(target), target);
        if (source.widthBits() != destination.widthBits()) {
            throw new FlowTextException(value + ": source field is " + source.widthBits()
                    + " bits wide but destination is " + destination.widthBits() + " bits wide");
        }
        return new OfAction.Move(source.toKey(), destination.toKey());
    }

    private OfAction ct(String value) throws FlowTextException {
        boolean commit = false;
        boolean force = false;
        int table = OfAction.Ct.NO_RECIRCULATION;
        int zone = 0;
        OfAction.SubField zoneField = null;
        int helper = 0;
        List<OfAction> exec = new ArrayList<>();
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            String argument = scanner.value();
            switch (scanner.key()) {
                case "commit" -> commit = true;
                case "force" -> force = true;
                case "table" -> table = (int) Numbers.parse("table", argument, 254);
                case "zone" -> {
                    boolean number = !argument.isEmpty() && Character.isDigit(argument.charAt(0));
                    zone = number ? (int) Numbers.parse("zone", argument, 0xffff) : 0;
                    zoneField = number ? null : zoneSource(argument);
                }
                case "alg" -> helper = helper(argument);
                case "exec" -> exec.addAll(parse(argument, Place.CT_EXEC));
                case "nat" -> exec.add(new OfAction.Nat(NatParser.parse(argument)));
                default -> throw new FlowTextException("invalid argument to \"ct\" action: `" + scanner.key() + "'");
            }
        }
        if (force && !commit) {
            throw new FlowTextException("\"force\" flag requires \"commit\" flag.");
        }
        return new OfAction.Ct(commit, force, zoneField, zone, table, helper, List.copyOf(exec));
    }

    private static OfAction.SubField zoneSource(String text) throws FlowTextException {
        SubFieldText.Parsed source = SubFieldText.parse(text);
        if (source.widthBits() != 16) {
            throw new FlowTextException(text + ": zone field must be 16 bits wide");
        }
        return source.toKey();
    }

    private static int helper(String name) throws FlowTextException {
        return switch (name) {
            case "ftp" -> OfAction.Ct.FTP;
            case "tftp" -> OfAction.Ct.TFTP;
            default -> throw new FlowTextException("invalid conntrack helper \"" + name + "\"");
        };
    }

    private static OfAction pushVlan(String value) throws FlowTextException {
        int type = (int) Numbers.parse("ethertype", value, 0xffff);
        if (type != EtherTypes.VLAN && type != EtherTypes.QINQ) {
            throw new FlowTextException(value + ": not a valid VLAN ethertype");
        }
        return new OfAction.PushVlan(type);
    }

    private static OfAction decTtl(String value) throws FlowTextException {
        if (!value.isEmpty() && !value.strip().equals("0")) {
            throw new FlowTextException("dec_ttl with controller ids is not supported");
        }
        return new OfAction.DecTtl();
    }

    private static byte[] noteBytes(String value) throws FlowTextException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String digits = value.replaceAll("[.\\s]", "");
        if (!digits.matches("([0-9a-fA-F]{2})*")) {
            throw new FlowTextException("bad hex digit in `note' argument");
        }
        bytes.writeBytes(HexFormat.of().parseHex(digits));
        while ((bytes.size() + 2) % 8 != 0) {
            bytes.write(0); // the action is padded on the wire to eight bytes and the padding is part of the note
        }
        return bytes.toByteArray();
    }

    private static OfAction writeMetadata(String value) throws FlowTextException {
        long[] masked = Numbers.parseMasked(value, -1L);
        return new OfAction.WriteMetadata(masked[0], masked[1]);
    }
}
