package io.turnstile.pipeline;

import io.turnstile.conntrack.NatRequest;
import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.ActionSet;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.OfAction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The report of a traced walk: a tree of lines, as {@code ofproto/trace} prints it. Threads: one. */
final class TraceReport implements WalkReport {

    /** How a line is set off. */
    enum Kind {
        BRIDGE,
        TABLE,
        THAW,
        BUCKET,
        ACTION,
        DETAIL,
        WARNING,
        ERROR;

        /** Whether it is set in further than what it stands below, even if nothing follows it there. */
        boolean isSetIn() {
            return switch (this) {
                case BRIDGE, TABLE, THAW -> false;
                case BUCKET, ACTION, DETAIL, WARNING, ERROR -> true;
            };
        }
    }

    record Node(Kind kind, String text, List<Node> children) {}

    /**
     * A recirculation, where the trace goes on.
     *
     * @param nat {@code nat(…)} of the ct(), or null
     */
    record Recirculation(int id, int zone, @Nullable NatRequest nat, long[] key) {}

    private static final Pattern CONTROL = Pattern.compile("[\\p{Cntrl}\u2028\u2029]");
    /** What went wrong is said even where there is no room for more: it may be why the walk ended. */
    private static final int MAX_LATE_ERRORS = 16;
    /** How far a level is set in, about. */
    private static final int INDENT = 8;

    private final List<Node> roots = new ArrayList<>();
    private final Deque<List<Node>> open = new ArrayDeque<>();
    private final List<Recirculation> recirculations = new ArrayList<>();

    private int left;
    private int lateErrors;

    /** @param characters after so many it says that it has reached its limit, and nothing more */
    TraceReport(int characters) {
        left = characters;
        open.push(roots);
    }

    List<Node> roots() {
        return roots;
    }

    List<Recirculation> recirculations() {
        return recirculations;
    }

    @Override
    public void openBridge(BridgePipeline bridge) {
        open(Kind.BRIDGE, TraceText.bridgeLine(bridge.name()));
    }

    @Override
    public void openTable(int tableId, @Nullable Rule rule, boolean packetIn) {
        open(Kind.TABLE, TraceText.tableLine(tableId, rule, packetIn));
    }

    @Override
    public void openFragments(int tableId) {
        open(Kind.TABLE, TraceText.fragmentLine(tableId));
    }

    @Override
    public void openBucket(int bucketId) {
        open(Kind.BUCKET, "bucket " + Integer.toUnsignedString(bucketId));
    }

    @Override
    public void deadBucket(GroupBucket bucket) {
        line(Kind.DETAIL, TraceText.deadBucket(bucket));
    }

    @Override
    public void bucketScore(int bucketId, int score) {
        line(
                Kind.DETAIL,
                "bucket " + Integer.toUnsignedString(bucketId) + ": score " + Integer.toUnsignedString(score));
    }

    @Override
    public void openActionSet() {
        List<Node> siblings = open.element();
        boolean afterTable = !siblings.isEmpty() && siblings.getLast().kind() == Kind.TABLE;
        open.push(afterTable ? siblings.getLast().children() : siblings);
        open(Kind.TABLE, "--. Executing action set:");
    }

    @Override
    public void closeActionSet() {
        close();
        close();
    }

    @Override
    public void close() {
        open.pop();
    }

    @Override
    public void resume(int tableId, List<FrozenActions> rest) {
        open(Kind.THAW, "thaw");
        line(Kind.THAW, "Resuming from table " + tableId);
        if (!rest.isEmpty()) {
            line(Kind.THAW, TraceText.restored(rest));
        }
        close();
    }

    @Override
    public void restored(FrozenActions list) {
        if (list.tells()) {
            line(Kind.ACTION, TraceText.unroll(list));
            line(Kind.THAW, TraceText.unrolled(list));
        }
    }

    @Override
    public void action(OfAction action) {
        line(Kind.ACTION, TraceText.action(action));
    }

    @Override
    public void likeAction(String text) {
        line(Kind.ACTION, text);
    }

    @Override
    public void likeAction(String format, long value) {
        line(Kind.ACTION, String.format(Locale.ROOT, format, value));
    }

    @Override
    public void written(OfAction.SubField part, long[] key) {
        line(Kind.DETAIL, TraceText.written(part, key));
    }

    @Override
    public void actionSet(String verb, List<OfAction> written) {
        line(Kind.DETAIL, TraceText.actionSet(verb, ActionSet.inOrder(written)));
    }

    @Override
    public void learned(FlowMod flow) {
        line(Kind.DETAIL, TraceText.learned(flow));
    }

    @Override
    public void recirculation(int id, int tableId, int zone, @Nullable NatRequest nat, long[] key) {
        long[] shown = key.clone();
        Field.ACTSET_OUTPUT.set(shown, 0); // no more than in the final flow
        recirculations.add(new Recirculation(id, zone, nat, shown));
        line(
                Kind.DETAIL,
                "A clone of the packet is forked to recirculate. The forked pipeline will be resumed at table "
                        + tableId + ".");
    }

    @Override
    public void detail(String text) {
        line(Kind.DETAIL, text);
    }

    @Override
    public void detail(String format, long value) {
        line(Kind.DETAIL, String.format(Locale.ROOT, format, value));
    }

    @Override
    public void vlanRefused(String port, PortVlan settings, int vlan) {
        line(Kind.ERROR, TraceText.vlanRefused(port, settings, vlan));
    }

    @Override
    public void warning(String text) {
        line(Kind.WARNING, text);
    }

    @Override
    public void warning(String format, long value) {
        line(Kind.WARNING, String.format(Locale.ROOT, format, value));
    }

    @Override
    public void error(String text) {
        line(Kind.ERROR, text);
    }

    @Override
    public void error(String format, long value) {
        line(Kind.ERROR, String.format(Locale.ROOT, format, value));
    }

    private void line(Kind kind, String text) {
        add(new Node(kind, oneLine(text), List.of()));
    }

    /** Names of bridges and ports are the database's: with ends of lines in them they would forge lines of a trace. */
    private static String oneLine(String text) {
        return CONTROL.matcher(text).replaceAll("?");
    }

    private void add(Node node) {
        if (left < 0) {
            if (node.kind() == Kind.ERROR && lateErrors++ < MAX_LATE_ERRORS) {
                roots.add(node);
            }
            return;
        }
        left -= node.text().length() + INDENT * open.size();
        open.element()
                .add(left < 0 ? new Node(Kind.ERROR, "the trace has reached its limit of text", List.of()) : node);
    }

    /** What comes until {@link #close} stands below this line. */
    private void open(Kind kind, String text) {
        Node node = new Node(kind, oneLine(text), new ArrayList<>());
        add(node);
        open.push(node.children());
    }
}
