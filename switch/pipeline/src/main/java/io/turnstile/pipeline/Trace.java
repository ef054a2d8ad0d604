package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.Upcall;
import io.turnstile.pipeline.flow.FlowDescription;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * {@code ofproto/trace}: the walk of a packet as text, followed by its walks after recirculation. Nothing is learned,
 * counted or installed; recirculation ids are allocated as for a real packet.
 *
 * <p>One use by one thread, under the table lock.
 */
final class Trace {
    private static final String RULER = "=".repeat(79);
    private static final int DEFAULT_CT_STATE = CtState.TRK | CtState.NEW;
    private static final int MAX_RECIRCULATIONS = 64;

    private final Pipeline pipeline;
    private final Iterator<Integer> ctStates;
    private final StringBuilder text = new StringBuilder();
    private final Deque<TraceReport.Recirculation> pending = new ArrayDeque<>();

    /**
     * @param ctStates the ct_state of the packet after each recirculation in turn; {@code trk|new} when they are used
     *     up
     */
    Trace(Pipeline pipeline, List<Integer> ctStates) {
        this.pipeline = pipeline;
        this.ctStates = ctStates.iterator();
    }

    /** @param key the packet's; its in_port does not count */
    String of(BridgePipeline bridge, int inPort, long[] key) {
        long[] shown = key.clone();
        Field.IN_PORT.set(shown, inPort & 0xffff_ffffL);
        TraceReport report = new TraceReport();
        Translator translator = new Translator(pipeline, shown, pipeline.nowNs(), report);
        walk(shown, translator, translator.translateAt(bridge, inPort), report);
        for (int i = 0; !pending.isEmpty() && i < MAX_RECIRCULATIONS; i++) {
            resume(pending.remove());
        }
        return text.toString();
    }

    private void resume(TraceReport.Recirculation recirculation) {
        boolean custom = ctStates.hasNext();
        int state = custom ? ctStates.next() : DEFAULT_CT_STATE;
        text.append('\n')
                .append(RULER)
                .append("\nrecirc(0x")
                .append(Integer.toHexString(recirculation.id()))
                .append(") - resume conntrack with ")
                .append(
                        custom
                                ? "ct_state=" + FlowDescription.ctState(state)
                                : "default ct_state=trk|new (use --ct-next to customize)")
                .append('\n');
        long[] key = recirculation.key().clone();
        if (recirculation.nat() != null) {
            new SimulatedNat(recirculation.nat(), key).apply(text);
        }
        text.append(RULER).append("\n\n");
        Field.RECIRC_ID.set(key, recirculation.id());
        Field.CT_STATE.set(key, state);
        Field.CT_ZONE.set(key, recirculation.zone());
        TraceReport report = new TraceReport();
        Translator translator = new Translator(pipeline, key, pipeline.nowNs(), report);
        walk(key, translator, translator.translate(), report);
    }

    private void walk(long[] key, Translator translator, Upcall.Translation translation, TraceReport report) {
        text.append("Flow: ").append(FlowDescription.of(key)).append('\n');
        print(report.roots(), 0);
        boolean unchanged = Arrays.equals(key, translator.finalKey());
        text.append("\nFinal flow: ")
                .append(unchanged ? "unchanged" : FlowDescription.of(translator.finalKey()))
                .append("\nMegaflow: ")
                .append(FlowDescription.megaflow(key, translation.mask()))
                .append("\nDatapath actions: ")
                .append(DatapathFlowText.actions(translation.actions(), key, Integer::toString))
                .append('\n');
        pending.addAll(report.recirculations());
    }

    /** The last node of a list is not indented if it has more below it, so that long chains of tables stay readable. */
    private void print(List<TraceReport.Node> nodes, int level) {
        for (int i = 0; i < nodes.size(); i++) {
            TraceReport.Node node = nodes.get(i);
            int more = i < nodes.size() - 1 || node.kind().isLeaf() ? 1 : 0;
            String indent = "    ".repeat(level + more);
            text.append(
                            switch (node.kind()) {
                                case BRIDGE ->
                                    "\n" + indent + node.text() + "\n" + indent
                                            + "-".repeat(node.text().length());
                                case DETAIL -> indent + " -> " + node.text();
                                case WARNING -> indent + " >> " + node.text();
                                case ERROR -> indent + " >>>> " + node.text() + " <<<<";
                                case TABLE, THAW, ACTION -> indent + node.text();
                            })
                    .append('\n');
            print(node.children(), level + 2 * more);
        }
    }
}
