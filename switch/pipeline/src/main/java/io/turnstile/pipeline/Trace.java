package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.Upcall;
import io.turnstile.packet.Packet;
import io.turnstile.pipeline.flow.FlowDescription;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.PacketOut;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * {@code ofproto/trace}: the walk of a packet as text, followed by its walks after recirculation, one walk at a time.
 * Nothing is counted or installed, and nothing learned unless a packet is given; recirculation ids are allocated as for
 * a real packet. Between two walks flows may change, as between two packets.
 *
 * <p>It ends where Open vSwitch ends it, after {@link #MAX_RECIRCULATIONS}, or after {@link #MAX_CHARACTERS} of text:
 * nobody reads more, and actions that recirculate thousands of times, each time anew, make gigabytes.
 *
 * <p>Threads: one; takes the table lock for each walk.
 */
public final class Trace {
    private static final String RULER = "=".repeat(79);
    private static final int DEFAULT_CT_STATE = CtState.TRK | CtState.NEW;
    private static final byte[] NO_FRAME = {};
    private static final int MAX_RECIRCULATIONS = 4096;
    static final int MAX_CHARACTERS = 8 << 20;
    /** Of the lines of one walk. */
    static final int WALK_CHARACTERS = 1 << 20;

    /**
     * What is asked for besides the packet.
     *
     * @param ctStates the ct_state of the packet after each recirculation in turn; {@code trk|new} when they are used
     *     up
     * @param portName how ports of the datapath are shown
     * @param packet a packet that is as the key says: what its walk brings about beside datapath flows happens, as in
     *     Open vSwitch. Stations and flows are learned, and controllers get it. Null for a trace that changes nothing
     * @param packetOut the actions of a packet-out, which the walk begins with; null if it begins with a table
     */
    public record Options(
            List<Integer> ctStates,
            IntFunction<String> portName,
            @Nullable Packet packet,
            @Nullable List<OfAction> packetOut) {}

    private final Pipeline pipeline;
    private final Options options;
    private final Iterator<Integer> ctStates;
    /** Null for a packet that is recirculated. */
    private final @Nullable PortLocation entered;

    private final long[] key;
    private StringBuilder text = new StringBuilder();
    private final Deque<TraceReport.Recirculation> pending = new ArrayDeque<>();
    /** How many recirculations there were beyond what {@link #pending} has room for. */
    private long beyond;

    private int resumed;
    private long written;
    private boolean begun;

    Trace(Pipeline pipeline, @Nullable PortLocation entered, long[] key, Options options) {
        this.pipeline = pipeline;
        this.entered = entered;
        this.key = key.clone();
        if (Field.PACKET_TYPE.get(key) != 0) {
            Field.ETH_TYPE.set(this.key, Field.PACKET_TYPE.get(key));
        }
        VlanStack.of(this.key).writeTo(this.key); // A flow as people write it does not say which type its tag has.
        this.options = options;
        this.ctStates = options.ctStates().iterator();
    }

    /** Appends the next walk; false if that was the last one. */
    public boolean next(StringBuilder out) {
        int before = out.length();
        text = out;
        if (begun) {
            TraceReport.Recirculation recirculation = pending.remove();
            happen(pipeline.read(() -> resume(recirculation)));
            resumed++;
        } else {
            begun = true;
            happen(pipeline.read(this::begin));
        }
        written += out.length() - before;
        if (pending.isEmpty()) {
            return false;
        }
        boolean tooMuch = written >= MAX_CHARACTERS;
        if (tooMuch || resumed > MAX_RECIRCULATIONS) {
            out.append("\n\n").append(RULER);
            out.append(
                    tooMuch
                            ? "\nTrace reached the limit of " + (MAX_CHARACTERS >> 20) + " MB of text."
                            : "\nTrace reached the recirculation limit.");
            out.append("  Stopping the trace here.\nQueued but not processed: ").append(pending.size() + beyond);
            out.append(" recirculations.\n");
            return false;
        }
        return true;
    }

    private void happen(Upcall.Translation translation) {
        if (options.packet() != null) {
            pipeline.haveHappened(translation, options.packet());
        }
    }

    private Upcall.Translation begin() {
        long[] shown = key.clone();
        if (entered != null) {
            Field.IN_PORT.set(shown, entered.number() & 0xffff_ffffL);
        }
        TraceReport report = newReport();
        Translator translator = new Translator(pipeline, shown, pipeline.nowNs(), report, options.packet() != null);
        Upcall.Translation translation = translate(translator);
        walk(shown, translator, translation, report);
        return translation;
    }

    private Upcall.Translation translate(Translator translator) {
        if (entered == null) {
            return translator.translate();
        }
        List<OfAction> actions = options.packetOut();
        return actions == null
                ? translator.translateAt(entered.bridge(), entered.number())
                : translator.execute(entered.bridge(), new PacketOut(entered.number(), actions, NO_FRAME));
    }

    private TraceReport newReport() {
        return new TraceReport(WALK_CHARACTERS);
    }

    private Upcall.Translation resume(TraceReport.Recirculation recirculation) {
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
        long[] resumedKey = recirculation.key().clone();
        if (recirculation.nat() != null) {
            new SimulatedNat(recirculation.nat(), resumedKey).apply(text);
        }
        text.append(RULER).append("\n\n");
        Field.RECIRC_ID.set(resumedKey, recirculation.id());
        Field.CT_STATE.set(resumedKey, state);
        Field.CT_ZONE.set(resumedKey, recirculation.zone());
        TraceReport report = newReport();
        Translator translator =
                new Translator(pipeline, resumedKey, pipeline.nowNs(), report, options.packet() != null);
        Upcall.Translation translation = translator.translate();
        walk(resumedKey, translator, translation, report);
        return translation;
    }

    private void walk(long[] packet, Translator translator, Upcall.Translation translation, TraceReport report) {
        text.append("Flow: ").append(FlowDescription.of(packet)).append('\n');
        print(report.roots(), 0);
        boolean unchanged = Arrays.equals(packet, translator.finalKey());
        text.append("\nFinal flow: ")
                .append(unchanged ? "unchanged" : FlowDescription.of(translator.finalKey()))
                .append("\nMegaflow: ")
                .append(FlowDescription.megaflow(packet, translation.mask()))
                .append("\nDatapath actions: ")
                .append(DatapathFlowText.actions(translation.actions(), packet, options.portName()))
                .append('\n');
        if (translator.isSlow()) {
            text.append("This flow is handled by the userspace slow path because it:\n")
                    .append("  - Uses action(s) not supported by datapath.\n");
        }
        String failure = FailedWalks.reason(translation);
        if (failure != null) {
            text.append("Translation failed (").append(failure).append("), packet is dropped.\n");
        }
        int room = Math.max(0, MAX_RECIRCULATIONS + 1 - resumed - pending.size());
        List<TraceReport.Recirculation> further = report.recirculations();
        pending.addAll(further.subList(0, Math.min(room, further.size())));
        beyond += Math.max(0, further.size() - room);
    }

    /** The last node of a list is not indented if it has more below it, so that long chains of tables stay readable. */
    private void print(List<TraceReport.Node> nodes, int level) {
        for (int i = 0; i < nodes.size(); i++) {
            TraceReport.Node node = nodes.get(i);
            int more = i < nodes.size() - 1 || node.kind().isSetIn() ? 1 : 0;
            String indent = "    ".repeat(level + more);
            text.append(
                            switch (node.kind()) {
                                case BRIDGE ->
                                    "\n" + indent + node.text() + "\n" + indent
                                            + "-".repeat(node.text().length());
                                case DETAIL -> indent + " -> " + node.text();
                                case WARNING -> indent + " >> " + node.text();
                                case ERROR -> indent + " >>>> " + node.text() + " <<<<";
                                case TABLE, THAW, BUCKET, ACTION -> indent + node.text();
                            })
                    .append('\n');
            print(node.children(), level + 2 * more);
        }
    }
}
