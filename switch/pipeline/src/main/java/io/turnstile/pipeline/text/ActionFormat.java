package io.turnstile.pipeline.text;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldValues;
import io.turnstile.datapath.NatText;
import io.turnstile.pipeline.Match;
import io.turnstile.pipeline.OfAction;
import io.turnstile.pipeline.OfAction.Ports;
import io.turnstile.pipeline.PacketInReason;
import io.turnstile.pipeline.text.MatchField.Masked;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/** Actions as {@code ovs-ofctl dump-flows} prints them. */
final class ActionFormat {
    private final Match context;

    /** @param context the flow's match: tells tcp_src from udp_src */
    ActionFormat(Match context) {
        this.context = context;
    }

    String format(List<OfAction> actions) {
        return actions.isEmpty() ? "drop" : actions.stream().map(this::one).collect(Collectors.joining(","));
    }

    private String one(OfAction action) {
        return switch (action) {
            case OfAction.Output a ->
                Integer.compareUnsigned(a.port(), Ports.MAX) < 0
                        ? "output:" + Integer.toUnsignedString(a.port())
                        : PortNames.format(a.port());
            case OfAction.OutputField a -> "output:" + SubFieldText.format(a.source(), context);
            case OfAction.Controller a -> controller(a);
            case OfAction.SetField a -> setField(a);
            case OfAction.Move a ->
                "move:" + SubFieldText.format(a.source(), context) + "->"
                        + SubFieldText.format(a.destination(), context);
            case OfAction.SetVlanVid a -> (a.pushIfNeeded() ? "mod_vlan_vid:" : "set_vlan_vid:") + a.vid();
            case OfAction.SetVlanPcp a -> (a.pushIfNeeded() ? "mod_vlan_pcp:" : "set_vlan_pcp:") + a.pcp();
            case OfAction.PushVlan a -> "push_vlan:" + Numbers.hex(a.etherType());
            case OfAction.PopVlan a -> "pop_vlan";
            case OfAction.DecTtl a -> "dec_ttl";
            case OfAction.Resubmit a -> resubmit(a);
            case OfAction.Ct a -> ct(a);
            case OfAction.Nat a -> NatText.ofFlow(a.request());
            case OfAction.CtClear a -> "ct_clear";
            case OfAction.WriteMetadata a ->
                "write_metadata:" + Numbers.hex(a.value()) + (a.mask() == -1L ? "" : "/" + Numbers.hex(a.mask()));
            case OfAction.GotoTable a -> "goto_table:" + a.tableId();
            case OfAction.ClearActions a -> "clear_actions";
            case OfAction.WriteActions a -> "write_actions(" + format(a.actions()) + ")";
            case OfAction.Note a -> "note:" + HexFormat.ofDelimiter(".").formatHex(a.bytes());
            case OfAction.StackPush a -> "push:" + SubFieldText.format(a.source(), context);
            case OfAction.StackPop a -> "pop:" + SubFieldText.format(a.destination(), context);
        };
    }

    private static String controller(OfAction.Controller a) {
        if (a.reason() == PacketInReason.ACTION && a.controllerId() == 0) {
            return "CONTROLLER:" + a.maxLengthBytes();
        }
        List<String> arguments = new ArrayList<>();
        if (a.reason() != PacketInReason.ACTION) {
            arguments.add("reason=" + a.reason().label());
        }
        if (a.maxLengthBytes() != 0xffff) {
            arguments.add("max_len=" + a.maxLengthBytes());
        }
        if (a.controllerId() != 0) {
            arguments.add("id=" + a.controllerId());
        }
        return "controller(" + String.join(",", arguments) + ")";
    }

    private static String resubmit(OfAction.Resubmit a) {
        boolean samePort = a.inPort() == Ports.IN_PORT;
        boolean sameTable = a.tableId() == OfAction.Resubmit.SAME_TABLE;
        if (!samePort && sameTable) {
            return "resubmit:" + PortNames.format(a.inPort());
        }
        return "resubmit(" + (samePort ? "" : PortNames.format(a.inPort())) + "," + (sameTable ? "" : a.tableId())
                + (a.withConntrackTuple() ? ",ct" : "") + ")";
    }

    private String ct(OfAction.Ct a) {
        List<String> arguments = new ArrayList<>();
        if (a.commit()) {
            arguments.add("commit");
        }
        if (a.force()) {
            arguments.add("force");
        }
        if (a.recircTable() != OfAction.Ct.NO_RECIRCULATION) {
            arguments.add("table=" + a.recircTable());
        }
        if (a.zoneField() != null) {
            arguments.add("zone=" + SubFieldText.format(a.zoneField(), context));
        } else if (a.zone() != 0) {
            arguments.add("zone=" + a.zone());
        }
        // A leading nat is shown beside exec, not in it.
        boolean translates = !a.exec().isEmpty() && a.exec().getFirst() instanceof OfAction.Nat;
        if (translates) {
            arguments.add(one(a.exec().getFirst()));
        }
        List<OfAction> exec = translates ? a.exec().subList(1, a.exec().size()) : a.exec();
        if (!exec.isEmpty()) {
            arguments.add("exec(" + format(exec) + ")");
        }
        if (a.helper() != 0) {
            arguments.add("alg="
                    + switch (a.helper()) {
                        case 21 -> "ftp";
                        case 69 -> "tftp";
                        default -> Integer.toString(a.helper());
                    });
        }
        return "ct(" + String.join(",", arguments) + ")";
    }

    private String setField(OfAction.SetField a) {
        if (a.spelledAsLoad()) {
            return LoadSegments.of(a).stream().map(this::load).collect(Collectors.joining(","));
        }
        MatchField field = fieldOf(a);
        int shift = field.offsetBits();
        Masked masked = new Masked(a.valueHigh(), a.valueLow() >>> shift, a.maskHigh(), a.maskLow() >>> shift);
        boolean whole = (masked.maskLow() | ~bits(field)) == -1L
                && a.maskHigh() == field.field().highMask();
        Masked shown = whole ? new Masked(masked.high(), masked.low(), -1L, field.lowMask()) : masked;
        return "set_field:" + ValueText.format(field, shown) + "->" + field.name();
    }

    private static long bits(MatchField field) {
        return field.isWide() ? -1L : field.widthBits() >= 64 ? -1L : (1L << field.widthBits()) - 1;
    }

    private MatchField fieldOf(OfAction.SetField a) {
        if (a.field() == Field.NW_TOS && a.maskLow() == FieldValues.DSCP_MASK && !a.spelledAsLoad()) {
            return MatchField.named("ip_dscp");
        }
        if (a.field().isWide()) {
            return SubFieldText.fieldOf(a.field(), 0, 128, context);
        }
        if (a.field() == Field.IN_PORT) {
            return MatchField.named("in_port");
        }
        if (a.field() == Field.VLAN_TCI && a.maskLow() == 0x1fff) {
            return MatchField.named("vlan_vid");
        }
        int first = Long.numberOfTrailingZeros(a.maskLow());
        int last = 63 - Long.numberOfLeadingZeros(a.maskLow());
        return a.maskLow() == 0
                ? SubFieldText.fieldOf(a.field(), 0, 1, context)
                : SubFieldText.fieldOf(a.field(), first, last - first + 1, context);
    }

    private String load(LoadSegments.Segment segment) {
        SubFieldTextTarget target = new SubFieldTextTarget(segment);
        return "load:" + Numbers.hex(segment.value()) + "->" + target.text(context);
    }

    /** in_port is 32 bits wide in the key and 16 in NXM. */
    private record SubFieldTextTarget(LoadSegments.Segment segment) {
        String text(Match context) {
            return segment.target().field() == Field.IN_PORT
                    ? "NXM_OF_IN_PORT[]"
                    : SubFieldText.format(segment.target(), context);
        }
    }
}
