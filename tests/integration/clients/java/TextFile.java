import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The records of the test, in the form that tests/integration/lib/text.py describes. */
final class TextFile {
    static final class Header {
        final String name;
        final byte[] value;

        Header(String name, byte[] value) {
            this.name = name;
            this.value = value;
        }
    }

    static final class Entry implements Comparable<Entry> {
        int partition;
        long offset;
        byte[] key;
        byte[] value;
        final List<Header> headers = new ArrayList<>();

        @Override
        public int compareTo(Entry other) {
            int byPartition = Integer.compare(partition, other.partition);
            return byPartition != 0 ? byPartition : Long.compare(offset, other.offset);
        }
    }

    private TextFile() {}

    static List<Entry> read(Path path) throws IOException {
        List<Entry> all = new ArrayList<>();
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(path), 1 << 20))) {
            while (true) {
                Entry entry = new Entry();
                try {
                    entry.partition = in.readInt();
                } catch (EOFException end) {
                    return all;
                }
                entry.offset = in.readLong();
                entry.key = field(in);
                entry.value = field(in);
                for (int left = in.readInt(); left > 0; left--) {
                    String name = new String(field(in), StandardCharsets.UTF_8);
                    entry.headers.add(new Header(name, field(in)));
                }
                all.add(entry);
            }
        }
    }

    static void write(Path path, List<Entry> all) throws IOException {
        all.sort(null);
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(path), 1 << 20))) {
            for (Entry entry : all) {
                out.writeInt(entry.partition);
                out.writeLong(entry.offset);
                put(out, entry.key);
                put(out, entry.value);
                out.writeInt(entry.headers.size());
                for (Header header : entry.headers) {
                    put(out, header.name.getBytes(StandardCharsets.UTF_8));
                    put(out, header.value);
                }
            }
        }
    }

    private static byte[] field(DataInputStream in) throws IOException {
        int size = in.readInt();
        if (size < 0) {
            return null;
        }
        byte[] data = new byte[size];
        in.readFully(data);
        return data;
    }

    private static void put(DataOutputStream out, byte[] data) throws IOException {
        out.writeInt(data == null ? -1 : data.length);
        if (data != null) {
            out.write(data);
        }
    }
}
