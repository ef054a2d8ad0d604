package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.text.FlowText;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Writes a walk down in the layout of {@code ovs-appctl ofproto/trace}: the flow, each table's rule with its actions, the final flow, the
 * megaflow and the datapath actions, then the same for what was recirculated.
 *
 * <p>One per trace; under the pipeline's lock.
 */
final class TraceText {
    private static final String RULER = "=".repeat(79);
    private static final int MAX_ROUNDS = 16;
    private static final Set<Field> CONNECTION = EnumSet.of(Field.CT_STATE, Field.CT_ZONE, Field.CT_MARK, Field.CT_LABEL);

    private final StringBuilder text = new StringBuilder();

    private TraceText() {
    }

    static String of(Pipeline pipeline, BridgePipeline bridge, int inPort, long[] key) {
        TraceText trace = new TraceText();
        Deque<Integer> pending = new ArrayDeque<>();
        long[] packetKey = key.clone();
        Field.IN_PORT.set(packetKey, inPort & 0xffff_ffffL);
        trace.begin(packetKey);
        Translator.Result result = new Translator(pipeline, false, pipeline.nowNs(), trace).translateAt(bridge, inPort, packetKey);
        trace.end(packetKey, result, pending);
        for (int round = 0; !pending.isEmpty() && round < MAX_ROUNDS; round++) {
            int id = pending.remove();
            long[] resumed = trace.resumedKey(packetKey, result, id);
            trace.text.append('\n').append(RULER).append('\n').append("recirc(0x%x) - resume conntrack with default ct_state=trk|new"
                    .formatted(id)).append(" (use --ct-next to customize)\n").append(RULER).append("\n\n");
            trace.begin(resumed);
            result = new Translator(pipeline, false, pipeline.nowNs(), trace).translate(resumed);
            trace.end(resumed, result, pending);
        }
        return trace.text.toString();
    }

    /** What the packet looks like after ct(): as a new connection of that zone, fields as the walk left them. */
    private long[] resumedKey(long[] packetKey, Translator.Result result, int id) {
        long[] resumed = packetKey.clone();
        for (DatapathAction action : result.actions()) {
            if (action instanceof DatapathAction.SetField set) {
                set.field().set(resumed, set.valueHigh(), set.valueLow());
            } else if (action instanceof DatapathAction.Ct ct) {
                Field.CT_STATE.set(resumed, CtState.NEW | CtState.TRK);
                Field.CT_ZONE.set(resumed, ct.request().zone());
            } else if (action instanceof DatapathAction.Recirculate recirculate && recirculate.recirculationId() == id) {
                break;
            }
        }
        Field.RECIRC_ID.set(resumed, id);
        return resumed;
    }

    private void begin(long[] key) {
        text.append("Flow: ").append(describe(key)).append('\n');
    }

    private void end(long[] key, Translator.Result result, Deque<Integer> pending) {
        long[] finalFlow = result.finalFlow();
        text.append("\nFinal flow: ").append(Arrays.equals(key, finalFlow) ? "unchanged" : describe(finalFlow)).append('\n');
        text.append("Megaflow: ").append(megaflow(key, result.record().mask)).append('\n');
        text.append("Datapath actions: ").append(DatapathFlowText.actions(result.actions())).append('\n');
        pending.addAll(result.record().recirculationIds);
    }

    // ---- steps, told by the translator ----

    void bridge(String name) {
        text.append("\nbridge(\"").append(name).append("\")\n").append("-".repeat(name.length() + 10)).append('\n');
    }

    void thaw(int tableId) {
        text.append("    thaw\n        Resuming from table ").append(tableId).append('\n');
    }

    void rule(int tableId, Rule rule, int depth) {
        text.append(indent(depth)).append("%2d. ".formatted(tableId));
        if (rule == null) {
            text.append("No match.\n").append(indent(depth)).append("    drop\n");
            return;
        }
        String match = FlowText.format(rule.match);
        text.append(match.isEmpty() ? "" : match + ", ").append("priority ").append(rule.priority);
        if (rule.cookie != 0) {
            text.append(", cookie 0x").append(Long.toHexString(rule.cookie));
        }
        text.append('\n');
        if (rule.actions.isEmpty()) {
            text.append(indent(depth)).append("    drop\n");
        }
    }

    void action(OfAction action, int depth) {
        text.append(indent(depth)).append("    ").append(FlowText.format(List.of(action))).append('\n');
    }

    void recirculation(int id, int tableId, int depth) {
        text.append(indent(depth)).append("    drop\n");
        note(" -> A clone of the packet is forked to recirculate. The forked pipeline will be resumed at table " + tableId + ".",
                depth);
    }

    void note(String note, int depth) {
        text.append(indent(depth)).append("    ").append(note).append('\n');
    }

    private static String indent(int depth) {
        return "    ".repeat(depth);
    }

    // ---- flows as text ----

    private static String describe(long[] key) {
        Match.Builder connection = Match.builder();
        Match.Builder packet = Match.builder();
        for (Field field : fieldsOf(key)) {
            (CONNECTION.contains(field) ? connection : packet).exact(field, field.getHigh(key), field.get(key));
        }
        long recirculationId = Field.RECIRC_ID.get(key);
        return recirculationId == 0 ? FlowText.format(packet.build())
                : joined("recirc_id=" + hexOrZero(recirculationId), connection.build(), packet.build());
    }

    /** The order in which the peer writes a flow that names its datapath fields, too. */
    private static String joined(String recirculation, Match connection, Match packet) {
        String ct = FlowText.format(connection);
        return recirculation + (ct.isEmpty() ? "" : "," + ct) + ",eth," + FlowText.format(packet);
    }

    /** The fields that a packet of that kind has. */
    private static List<Field> fieldsOf(long[] key) {
        List<Field> fields = new ArrayList<>(List.of(Field.IN_PORT, Field.VLAN_TCI, Field.ETH_SRC, Field.ETH_DST,
                Field.ETH_TYPE));
        for (Field field : List.of(Field.CT_STATE, Field.CT_ZONE, Field.CT_MARK, Field.CT_LABEL, Field.METADATA, Field.XXREG0,
                Field.XXREG1, Field.XXREG2, Field.XXREG3)) {
            if (field.get(key) != 0 || field.getHigh(key) != 0) {
                fields.add(field);
            }
        }
        switch ((int) Field.ETH_TYPE.get(key)) {
            case EtherTypes.IPV4 -> fields.addAll(List.of(Field.NW_SRC, Field.NW_DST, Field.NW_PROTO, Field.NW_TOS, Field.NW_TTL,
                    Field.NW_FRAG));
            case EtherTypes.IPV6 -> fields.addAll(List.of(Field.IPV6_SRC, Field.IPV6_DST, Field.IPV6_LABEL, Field.NW_PROTO,
                    Field.NW_TOS, Field.NW_TTL, Field.NW_FRAG));
            case EtherTypes.ARP -> {
                fields.addAll(List.of(Field.NW_SRC, Field.NW_DST, Field.NW_PROTO, Field.ARP_SHA, Field.ARP_THA));
                return fields;
            }
            default -> {
                return fields;
            }
        }
        switch ((int) Field.NW_PROTO.get(key)) {
            case IpProtocols.TCP -> fields.addAll(List.of(Field.TP_SRC, Field.TP_DST, Field.TCP_FLAGS));
            case IpProtocols.UDP, IpProtocols.SCTP, IpProtocols.ICMP, IpProtocols.ICMPV6 ->
                    fields.addAll(List.of(Field.TP_SRC, Field.TP_DST));
            default -> {
                // No transport fields.
            }
        }
        return fields;
    }

    /** The bits of the key that the mask keeps. */
    private static String megaflow(long[] key, long[] mask) {
        Match.Builder connection = Match.builder();
        Match.Builder packet = Match.builder();
        for (Field field : Field.values()) {
            boolean ofDatapath = field.word() < FlowKey.DATAPATH_WORDS && field != Field.RECIRC_ID;
            if (ofDatapath && (field.get(mask) != 0 || field.getHigh(mask) != 0)) {
                (CONNECTION.contains(field) ? connection : packet)
                        .masked(field, field.getHigh(key), field.get(key), field.getHigh(mask), field.get(mask));
            }
        }
        return joined("recirc_id=" + hexOrZero(Field.RECIRC_ID.get(key)), connection.build(), packet.build());
    }

    private static String hexOrZero(long id) {
        return id == 0 ? "0" : "0x" + Long.toHexString(id);
    }
}
