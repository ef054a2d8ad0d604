package io.turnstile.pipeline;

import io.turnstile.conntrack.NatRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What a translation says of itself while it is traced: a tree, as {@code ofproto/trace} prints it. One thread. */
final class WalkReport {

    /** How a line is set off. */
    enum Kind {
        BRIDGE,
        TABLE,
        THAW,
        ACTION,
        DETAIL,
        WARNING,
        ERROR;

        /** Kinds that never have anything below them. */
        boolean isLeaf() {
            return switch (this) {
                case BRIDGE, TABLE, THAW -> false;
                case ACTION, DETAIL, WARNING, ERROR -> true;
            };
        }
    }

    record Node(Kind kind, String text, List<Node> children) {}

    /**
     * A place where the packet goes round again; the trace goes on there.
     *
     * @param nat {@code nat(…)} of the ct(), or null
     */
    record Recirculation(int id, int zone, NatRequest nat, long[] key) {}

    private final List<Node> roots = new ArrayList<>();
    private final Deque<List<Node>> open = new ArrayDeque<>();
    final List<Recirculation> recirculations = new ArrayList<>();

    WalkReport() {
        open.push(roots);
    }

    List<Node> roots() {
        return roots;
    }

    void say(Kind kind, String text) {
        open.element().add(new Node(kind, text, List.of()));
    }

    /** What is said from now on until {@link #close} stands below this line. */
    void open(Kind kind, String text) {
        Node node = new Node(kind, text, new ArrayList<>());
        open.element().add(node);
        open.push(node.children());
    }

    /**
     * Until {@link #close}, what is said stands below the table that was closed last: it goes on with that table's
     * walk.
     */
    void reopenTable() {
        List<Node> siblings = open.element();
        boolean afterTable = !siblings.isEmpty() && siblings.getLast().kind() == Kind.TABLE;
        open.push(afterTable ? siblings.getLast().children() : siblings);
    }

    void close() {
        open.pop();
    }
}
