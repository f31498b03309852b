package part10

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"slices"
)

// Edit tells what becomes of an element. The zero Edit keeps it.
type Edit struct {
	Delete  bool
	Replace bool
	// Value replaces that of an element without items. It is encoded as the
	// file is; text is padded to even length here.
	Value []byte
}

// Added is a new element of the data set, encoded as the file is: a value, or the
// elements of each item of a sequence in order of their tags.
type Added struct {
	Tag   Tag
	VR    string
	Value []byte
	Items [][]Added
}

// Rewrite writes the file with the edits that edit returns for each element,
// outer ones before those within, and with new elements in their place. What
// is not edited is copied byte for byte; lengths around an edit are set anew.
// A nil edit keeps all. A damaged file is only copied, never edited.
func (f *File) Rewrite(w io.Writer, edit func(Element) Edit, added ...Added) error {
	if edit == nil && len(added) == 0 {
		_, err := io.Copy(w, io.NewSectionReader(f.raw.r, 0, f.raw.size))
		return err
	}
	if f.Damage != nil {
		return fmt.Errorf("rewrite: %w", f.Damage)
	}
	if edit == nil {
		edit = func(Element) Edit { return Edit{} }
	}
	if err := f.writeMeta(w, edit); err != nil {
		return err
	}
	r := rewriter{file: f, src: f.body, edit: edit, added: slices.Clone(added)}
	slices.SortStableFunc(r.added, func(a, b Added) int { return int(int64(a.Tag) - int64(b.Tag)) })
	out := w
	var z *flate.Writer
	if f.Syntax == Deflated {
		var err error
		if z, err = flate.NewWriter(w, flate.DefaultCompression); err != nil {
			return err
		}
		out = z
	}
	if _, err := r.dataset(out, f.Data, f.dataAt, f.body.size, true); err != nil {
		return err
	}
	if z != nil {
		return z.Close()
	}
	return nil
}

// writeMeta writes preamble and file meta information.
func (f *File) writeMeta(w io.Writer, edit func(Element) Edit) error {
	from, to := int64(0), f.metaEnd
	if f.Meta.hi > 0 {
		from = f.nodes.at(0).start
	}
	if _, err := io.Copy(w, io.NewSectionReader(f.raw.r, 0, from)); err != nil {
		return err
	}
	var b bytes.Buffer
	r := rewriter{file: f, src: f.raw, edit: edit}
	changed, err := r.dataset(&b, f.Meta, from, to, false)
	if err != nil {
		return err
	}
	out := b.Bytes()
	if n := f.nodes.at(0); changed && f.Meta.hi > 0 && n.tag == metaLength && n.length == 4 && len(out) >= 12 {
		head := int(n.head)
		form{}.order().PutUint32(out[head:], uint32(len(out)-head-4))
	}
	_, err = w.Write(out)
	return err
}

type rewriter struct {
	file  *File
	src   *window
	edit  func(Element) Edit
	added []Added // to the outermost data set, by tag
}

// dataset writes the elements of d, which lie in [from, to), and tells whether
// any differ.
func (r *rewriter) dataset(w io.Writer, d Dataset, from, to int64, outermost bool) (changed bool, err error) {
	copied := from // up to here the source has been dealt with
	flush := func(end int64) error {
		_, err := io.Copy(w, io.NewSectionReader(r.src.r, copied, end-copied))
		copied = end
		return err
	}
	for e := range d.All() {
		n := e.node()
		end := to
		if int(n.next) < d.hi {
			end = r.file.nodes.at(int(n.next)).start
		}
		for outermost && len(r.added) > 0 && r.added[0].Tag <= n.tag {
			a := r.added[0]
			r.added = r.added[1:]
			if err := flush(n.start); err != nil {
				return true, err
			}
			if err := r.add(w, a, n.flags); err != nil {
				return true, err
			}
			changed = true
			if a.Tag == n.tag { // the new one replaces it
				copied = end
			}
		}
		if copied > n.start {
			continue
		}
		switch what := r.edit(e); {
		case what.Delete:
			if err := flush(n.start); err != nil {
				return true, err
			}
			copied, changed = end, true
		case what.Replace:
			if err := flush(n.start); err != nil {
				return true, err
			}
			if err := r.header(w, n, padded(what.Value, e.VR())); err != nil {
				return true, err
			}
			copied, changed = end, true
		case n.flags&nested != 0 && n.tag != PixelData:
			var b bytes.Buffer
			within, err := r.sequence(&b, e, end)
			if err != nil {
				return true, err
			}
			if !within {
				continue
			}
			if err := flush(n.start); err != nil {
				return true, err
			}
			if err := r.header(w, n, b.Bytes()); err != nil {
				return true, err
			}
			copied, changed = end, true
		}
	}
	if outermost {
		if err := flush(to); err != nil {
			return true, err
		}
		var like uint8
		if d.hi > d.lo {
			like = r.file.nodes.at(d.lo).flags
		}
		for _, a := range r.added {
			if err := r.add(w, a, like); err != nil {
				return true, err
			}
			changed = true
		}
		return changed, nil
	}
	return changed, flush(to)
}

// sequence writes the items of e, which ends at end.
func (r *rewriter) sequence(w *bytes.Buffer, e Element, end int64) (changed bool, err error) {
	n := e.node()
	if n.length == undefined {
		end -= 8 // the delimiter
	}
	for d := range e.Items() {
		i := d.lo - 1
		it := r.file.nodes.at(i)
		to := end
		if int(it.next) < int(n.next) {
			to = r.file.nodes.at(int(it.next)).start
		}
		if it.length == undefined {
			to -= 8
		}
		var b bytes.Buffer
		within, err := r.dataset(&b, d, it.start+8, to, false)
		if err != nil {
			return true, err
		}
		changed = changed || within
		if err := r.header(w, it, b.Bytes()); err != nil {
			return true, err
		}
	}
	return changed, nil
}

// header writes the header of n with a new value, and the delimiter of a
// sequence or item that had one.
func (r *rewriter) header(w io.Writer, n *node, value []byte) error {
	h := make([]byte, n.head)
	if _, err := r.src.r.ReadAt(h, n.start); err != nil {
		return err
	}
	order := form{big: n.flags&big != 0}.order()
	switch {
	case n.length == undefined && (n.flags&nested != 0 || n.tag == item):
		mark := sequenceEnd
		if n.tag == item {
			mark = itemEnd
		}
		end := make([]byte, 8)
		order.PutUint16(end, uint16(mark>>16))
		order.PutUint16(end[2:], uint16(mark&0xffff))
		value = append(value[:len(value):len(value)], end...)
	case n.flags&implicit != 0 || n.tag>>16 == 0xfffe || n.head == 12:
		order.PutUint32(h[n.head-4:], uint32(len(value)))
	case len(value) > 0xffff:
		return fmt.Errorf("%v: %d bytes do not fit in %s: %w", n.tag, len(value), n.vr, ErrLimit)
	default:
		order.PutUint16(h[6:], uint16(len(value)))
	}
	if _, err := w.Write(h); err != nil {
		return err
	}
	_, err := w.Write(value)
	return err
}

// add writes a new element, as elements with the given flags are written.
func (r *rewriter) add(w io.Writer, a Added, like uint8) error {
	order := form{big: like&big != 0}.order()
	value := padded(a.Value, a.VR)
	for _, elements := range a.Items {
		var b bytes.Buffer
		for _, e := range elements {
			if err := r.add(&b, e, like); err != nil {
				return err
			}
		}
		head := make([]byte, 8)
		order.PutUint16(head, uint16(item>>16))
		order.PutUint16(head[2:], uint16(item&0xffff))
		order.PutUint32(head[4:], uint32(b.Len()))
		value = append(append(value, head...), b.Bytes()...)
	}
	h := make([]byte, 8, 12)
	order.PutUint16(h, uint16(a.Tag>>16))
	order.PutUint16(h[2:], uint16(a.Tag&0xffff))
	switch {
	case like&implicit != 0:
		order.PutUint32(h[4:], uint32(len(value)))
	case long(a.VR):
		copy(h[4:], a.VR)
		h = h[:12]
		order.PutUint32(h[8:], uint32(len(value)))
	case len(value) > 0xffff:
		return fmt.Errorf("%v: %d bytes do not fit in %s: %w", a.Tag, len(value), a.VR, ErrLimit)
	default:
		copy(h[4:], a.VR)
		order.PutUint16(h[6:], uint16(len(value)))
	}
	if _, err := w.Write(h); err != nil {
		return err
	}
	_, err := w.Write(value)
	return err
}

// padded returns v with even length.
func padded(v []byte, vr string) []byte {
	if len(v)%2 == 0 {
		return v
	}
	pad := byte(' ')
	if width(vr) != 0 || vr == "UI" {
		pad = 0
	}
	return append(v[:len(v):len(v)], pad)
}
