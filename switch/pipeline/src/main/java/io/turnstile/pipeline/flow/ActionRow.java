package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A row of {@link ActionKind} while it is written down, and what was written. {@link #complete} refuses a row that
 * leaves something open.
 *
 * <p>Threads: written by one, read by any.
 */
final class ActionRow<A extends OfAction> {

    /** Reads what stands behind a keyword: {@code keyword:value} or {@code keyword(value)}. */
    interface Reader {
        OfAction read(String value, ActionParser parser) throws FlowTextException;
    }

    /** Writes an action as {@code ovs-ofctl dump-flows} prints it. */
    interface Printer<A extends OfAction> {
        String print(A action, ActionFormat format);
    }

    /** Refuses an action that a flow must not have. */
    interface Check<A extends OfAction> {
        void check(A action, ActionCheck at) throws OfException;
    }

    /** Tells whether the action outputs to a port as far as the flow alone tells. */
    interface Destination<A extends OfAction> {
        boolean is(A action, int port);
    }

    private final Class<A> type;
    private final @Nullable A bare;
    private final Map<String, Reader> readers = new LinkedHashMap<>();
    private Printer<A> printer;
    private List<ActionForm> forms;
    private Instruction instruction;
    private SetPlace setPlace;
    private boolean nestsInCt;
    private Check<A> check;
    private Function<A, @Nullable Field> written;
    private Function<A, TagChange> tagChange;
    private Destination<A> destination;

    // The rest is written one by one; complete() refuses a row that lacks something.
    @SuppressWarnings("NullAway.Init")
    private ActionRow(Class<A> type, @Nullable A bare) {
        this.type = type;
        this.bare = bare;
    }

    static <A extends OfAction> ActionRow<A> row(Class<A> type) {
        return new ActionRow<>(type, null);
    }

    /** An action without arguments. */
    @SuppressWarnings("unchecked")
    static <A extends OfAction> ActionRow<A> bare(A action) {
        return new ActionRow<>((Class<A>) action.getClass(), action);
    }

    /** An action without arguments, whose text is its name; ovs-ofctl overlooks any argument. */
    static <A extends OfAction> ActionRow<A> bare(String name, A action) {
        return bare(action).reads(name, (_, _) -> action).prints((_, _) -> name);
    }

    // ---- text ----

    /** A keyword, in lower case; the first one written is the action's name. */
    ActionRow<A> reads(String keyword, Reader reader) {
        if (readers.put(keyword, reader) != null) {
            throw new IllegalStateException(keyword + " twice");
        }
        return this;
    }

    ActionRow<A> prints(Printer<A> with) {
        printer = with;
        return this;
    }

    // ---- wire ----

    ActionRow<A> wire(ActionForm... ways) {
        forms = List.of(ways);
        return this;
    }

    /** No action of any version: OpenFlow 1.0 cannot say it, and later ones have an instruction for it. */
    ActionRow<A> isNoActionOnTheWire() {
        return wire();
    }

    // ---- places ----

    ActionRow<A> standsIn(Instruction list, SetPlace inActionSet) {
        instruction = list;
        setPlace = inActionSet;
        return this;
    }

    /** May stand in {@code ct(exec(…))}: if it writes a field, then one of the connection's and nowhere else. */
    ActionRow<A> nestsInCt() {
        nestsInCt = true;
        return this;
    }

    // ---- checks and effects ----

    ActionRow<A> checked(Check<A> by) {
        check = by;
        return this;
    }

    ActionRow<A> isAlwaysPossible() {
        return checked((_, _) -> {});
    }

    ActionRow<A> writes(Function<A, @Nullable Field> field) {
        written = field;
        tagChange = _ -> TagChange.NONE;
        return this;
    }

    ActionRow<A> writesNothing() {
        return writes(_ -> null);
    }

    ActionRow<A> changesTag(Function<A, TagChange> how) {
        written = _ -> Field.VLAN_TCI;
        tagChange = how;
        return this;
    }

    ActionRow<A> outputsTo(Destination<A> port) {
        destination = port;
        return this;
    }

    ActionRow<A> outputsNowhere() {
        return outputsTo((_, _) -> false);
    }

    /** Nothing may be left open: what an action is not said to do must not be taken for granted. */
    ActionRow<A> complete() {
        Objects.requireNonNull(printer, "text");
        Objects.requireNonNull(forms, "forms on the wire");
        Objects.requireNonNull(instruction, "places");
        Objects.requireNonNull(check, "check");
        Objects.requireNonNull(written, "effect");
        Objects.requireNonNull(destination, "destination");
        return this;
    }

    // ---- what was written ----

    Class<A> type() {
        return type;
    }

    @Nullable
    A bare() {
        return bare;
    }

    Map<String, Reader> readers() {
        return readers;
    }

    List<ActionForm> forms() {
        return forms;
    }

    Instruction instruction() {
        return instruction;
    }

    SetPlace setPlace() {
        return setPlace;
    }

    boolean mayNestInCt() {
        return nestsInCt;
    }

    String print(OfAction action, ActionFormat format) {
        return printer.print(type.cast(action), format);
    }

    void check(OfAction action, ActionCheck at) throws OfException {
        check.check(type.cast(action), at);
    }

    @Nullable
    Field written(OfAction action) {
        return written.apply(type.cast(action));
    }

    TagChange tagChange(OfAction action) {
        return tagChange.apply(type.cast(action));
    }

    boolean outputsTo(OfAction action, int port) {
        return destination.is(type.cast(action), port);
    }
}
