import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.DefaultRecordBatch;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.Utils;

/**
 * The Java client as oracle for record batches. Run as a single source file with the jars of a 3.x release on the class path:
 * later ones cannot write the old magics. {@code golden DIR} writes batches of every kind, each with what Java reads in it.
 * {@code read} prints the same for record sets given as hex lines.
 */
public final class BatchOracle {
    private static final long T = 1_700_000_000_000L;
    private static final Header[] NO_HEADERS = {};

    public static void main(String[] args) throws Exception {
        if (args[0].equals("golden")) golden(Path.of(args[1]));
        else read();
    }

    /** One record set per line in, its description and an empty line out. */
    private static void read() throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            for (String text : describe(ByteBuffer.wrap(HexFormat.of().parseHex(line)))) out.println(text);
            out.println();
        }
        out.flush();
    }

    private static List<String> describe(ByteBuffer bytes) throws Exception {
        List<String> lines = new ArrayList<>();
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(bytes).batches()) {
            batch.ensureValid();
            if (batch.magic() == 2) lines.add(String.format("batch %d..%d count=%d size=%d crc=%d codec=%s %s base=%d max=%d producer=%d/%d/%d leaderEpoch=%d%s%s%s",
                batch.baseOffset(), batch.lastOffset(), batch.countOrNull(), batch.sizeInBytes(), ((DefaultRecordBatch) batch).checksum(),
                batch.compressionType().name, batch.timestampType().name, ((DefaultRecordBatch) batch).baseTimestamp(), batch.maxTimestamp(),
                batch.producerId(), batch.producerEpoch(), batch.baseSequence(), batch.partitionLeaderEpoch(),
                batch.isTransactional() ? " transactional" : "", batch.isControlBatch() ? " control" : "",
                batch.deleteHorizonMs().isPresent() ? " deleteHorizon" : ""));
            for (Record record : batch) {
                String headers = Arrays.stream(record.headers())
                    .map(header -> show(header.key().getBytes(StandardCharsets.UTF_8)) + ":" + show(header.value()))
                    .collect(Collectors.joining(","));
                lines.add(String.format("record %d time=%d key=%s value=%s headers=[%s]", record.offset(), record.timestamp(),
                    show(Utils.toNullableArray(record.key())), show(Utils.toNullableArray(record.value())), headers));
            }
        }
        return lines;
    }

    /** Hex, or size and digest of what is long. */
    private static String show(byte[] bytes) {
        if (bytes == null) return "null";
        if (bytes.length <= 64) return HexFormat.of().formatHex(bytes);
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return bytes.length + "#" + HexFormat.of().formatHex(digest, 0, 8);
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static void golden(Path dir) throws Exception {
        for (CompressionType codec : CompressionType.values()) {
            write(dir, codec.name + "-mixed", batch(codec, builder -> mixedRecords(builder)));
            write(dir, codec.name + "-append-time", appendTime(codec));
            // Several snappy chunks and LZ4 blocks; stored and repetitive stretches in one payload.
            if (codec != CompressionType.NONE) write(dir, codec.name + "-large", batch(codec, builder -> largeRecords(builder)));
            write(dir, codec.name + "-compacted", compacted(codec));
        }
        write(dir, "idempotent-transactional", transactional());
        write(dir, "markers", markers());
        write(dir, "leader-change", leaderChange());
        for (byte magic = 0; magic <= 1; magic++) {
            for (CompressionType codec : List.of(CompressionType.NONE, CompressionType.GZIP, CompressionType.SNAPPY, CompressionType.LZ4)) {
                write(dir, "magic" + magic + "-" + codec.name, messageSet(magic, codec));
            }
        }
        write(dir, "many-batches", join(IntStream.range(0, 5).mapToObj(BatchOracle::small).toArray(ByteBuffer[]::new)));
    }

    private static ByteBuffer batch(CompressionType codec, Consumer<MemoryRecordsBuilder> append) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 20), RecordBatch.MAGIC_VALUE_V2, Compression.of(codec).build(),
            TimestampType.CREATE_TIME, 1_000_000_000_000L, RecordBatch.NO_TIMESTAMP, -1L, (short) -1, -1, false, false, 7);
        append.accept(builder);
        return builder.build().buffer();
    }

    /** Nulls, empties, repeated and non-ASCII header keys, times that go backwards and far. */
    private static void mixedRecords(MemoryRecordsBuilder builder) {
        builder.append(T, bytes("key"), bytes("value"), NO_HEADERS);
        builder.append(T - 5_000, null, bytes("no key"), NO_HEADERS);
        builder.append(T + 1, bytes("tombstone"), null, NO_HEADERS);
        builder.append(T + (1L << 40), new byte[0], new byte[0], NO_HEADERS);
        builder.append(0, (byte[]) null, null, new Header[] {
            new RecordHeader("a", bytes("1")), new RecordHeader("a", bytes("2")), new RecordHeader("null", null),
            new RecordHeader("", new byte[0]), new RecordHeader("größe-日本", bytes("ü"))});
        for (int i = 0; i < 130; i++) builder.append(T + i * 1000L, bytes("k" + i), bytes("value " + i), NO_HEADERS);
    }

    private static void largeRecords(MemoryRecordsBuilder builder) {
        byte[] noise = new byte[3_000];
        for (int i = 0, x = 1; i < noise.length; i++) noise[i] = (byte) ((x = x * 1_103_515_245 + 12_345) >>> 16);
        builder.append(T, bytes("noise"), noise, NO_HEADERS);
        builder.append(T, bytes("zeros"), new byte[150_000], NO_HEADERS);
        builder.append(T, bytes("text"), bytes("the quick brown fox ".repeat(4_000)), NO_HEADERS);
        builder.append(T, bytes("noise again"), noise, NO_HEADERS);
    }

    private static ByteBuffer appendTime(CompressionType codec) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(4096), RecordBatch.MAGIC_VALUE_V2, Compression.of(codec).build(),
            TimestampType.LOG_APPEND_TIME, 5L, T + 77, 4_000L, (short) 3, 250, false, false, 1);
        for (int i = 0; i < 4; i++) builder.append(T + i, bytes("k" + i), bytes("v" + i), NO_HEADERS);
        return builder.build().buffer();
    }

    private static ByteBuffer messageSet(byte magic, CompressionType codec) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(4096), magic, Compression.of(codec).build(),
            magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME, 500L, RecordBatch.NO_TIMESTAMP);
        long time = magic == 0 ? RecordBatch.NO_TIMESTAMP : T;
        builder.append(time, bytes("key"), bytes("value"));
        builder.append(time, null, bytes("no key"));
        builder.append(time, bytes("tombstone"), null);
        return builder.build().buffer();
    }

    private static ByteBuffer transactional() {
        MemoryRecordsBuilder first = MemoryRecords.builder(ByteBuffer.allocate(4096), RecordBatch.MAGIC_VALUE_V2, Compression.NONE,
            TimestampType.CREATE_TIME, 40L, RecordBatch.NO_TIMESTAMP, (1L << 62) + 9, (short) 32_767, Integer.MAX_VALUE - 1, true, false, 0);
        for (int i = 0; i < 4; i++) first.append(T + i, bytes("k"), bytes("sequence wraps"), NO_HEADERS);
        return join(first.build().buffer(), MemoryRecords.withIdempotentRecords(RecordBatch.MAGIC_VALUE_V2, 44L, Compression.gzip().build(), 12L, (short) 0, 0, 2,
            new SimpleRecord(T, bytes("idempotent"))).buffer());
    }

    private static ByteBuffer markers() {
        return join(
            MemoryRecords.withEndTransactionMarker(100L, T, 4, 12L, (short) 1, new EndTransactionMarker(ControlRecordType.COMMIT, 23)).buffer(),
            MemoryRecords.withEndTransactionMarker(101L, T, 4, -2L, (short) 0, new EndTransactionMarker(ControlRecordType.ABORT, -1)).buffer());
    }

    private static ByteBuffer leaderChange() {
        return MemoryRecords.withLeaderChangeMessage(9L, T, 3, ByteBuffer.allocate(256), new LeaderChangeMessage().setLeaderId(1)).buffer();
    }

    private static ByteBuffer small(int i) {
        return MemoryRecords.withRecords(10L * i, Compression.NONE, 3, new SimpleRecord(T + i, bytes("batch " + i))).buffer();
    }

    /** What the log cleaner leaves: a sparse batch with a delete horizon, then one without any record. */
    private static ByteBuffer compacted(CompressionType codec) {
        MemoryRecordsBuilder emptied = MemoryRecords.builder(ByteBuffer.allocate(4096), RecordBatch.MAGIC_VALUE_V2, Compression.of(codec).build(),
            TimestampType.CREATE_TIME, 60L, RecordBatch.NO_TIMESTAMP, 8L, (short) 0, 3, false, false, 7);
        for (int i = 0; i < 5; i++) emptied.append(T, bytes("gone" + i), bytes("value"), NO_HEADERS);
        MemoryRecordsBuilder sparse = MemoryRecords.builder(ByteBuffer.allocate(4096), RecordBatch.MAGIC_VALUE_V2, Compression.of(codec).build(),
            TimestampType.CREATE_TIME, 50L, RecordBatch.NO_TIMESTAMP, 8L, (short) 0, 0, false, false, 7);
        for (int i = 0; i < 10; i++) sparse.append(T + i, bytes("k" + i), i == 3 ? null : bytes("v" + i), NO_HEADERS);
        ByteBuffer cleaned = ByteBuffer.allocate(8192);
        filter(sparse.build(), record -> record.offset() % 3 == 0 || record.offset() == 53, cleaned);
        filter(emptied.build(), record -> false, cleaned);
        cleaned.flip();
        return cleaned;
    }

    private static void filter(MemoryRecords records, Predicate<Record> keep, ByteBuffer to) {
        records.filterTo(new TopicPartition("compacted", 0), new MemoryRecords.RecordFilter(T + 1_000, 86_400_000L) {
            @Override
            protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, false);
            }

            @Override
            protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
                return keep.test(record);
            }
        }, to, Integer.MAX_VALUE, BufferSupplier.NO_CACHING);
    }

    private static ByteBuffer join(ByteBuffer... parts) {
        ByteBuffer all = ByteBuffer.allocate(Arrays.stream(parts).mapToInt(ByteBuffer::remaining).sum());
        for (ByteBuffer part : parts) all.put(part.duplicate());
        all.flip();
        return all;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void write(Path dir, String name, ByteBuffer records) throws Exception {
        byte[] raw = Utils.toArray(records.duplicate());
        List<String> lines = describe(records.duplicate());
        String hex = HexFormat.of().formatHex(raw);
        for (int at = 0; at < hex.length(); at += 128) lines.add("hex " + hex.substring(at, Math.min(hex.length(), at + 128)));
        Files.write(dir.resolve(name + ".txt"), lines);
    }
}
