# Writes pyradiomics_shape.csv: what PyRadiomics returns for masks made by formulas,
# the same as bodies() in pyradiomics_test.go. Usage: python pyradiomics_shape.py FILE.csv
import numpy as np, SimpleITK as sitk, logging, sys, csv
logging.disable(logging.CRITICAL)
from radiomics import shape, shape2D
import radiomics
def masks():
    # (name, size (x,y,z), spacing, f(i,j,k))
    def noise(i,j,k,m): return (i*i*7+j*j*13+k*k*29+i*j*k*5+i*j*3+j*k*11)%m
    yield 'voxel',(3,3,3),(1,2,3),lambda i,j,k:(i==1)&(j==1)&(k==1)
    yield 'plate',(9,7,3),(0.5,0.7,2),lambda i,j,k:(k==1)&((i-4)**2+(j-3)**2<=10)
    yield 'noise',(14,12,10),(0.4,0.5,0.7),lambda i,j,k:noise(i,j,k,5)<2
    yield 'rough ball',(24,24,24),(1,1,1),lambda i,j,k:((i-11.3)**2+(j-11.8)**2+(k-12.1)**2<100)&(noise(i,j,k,7)<6)
    yield 'crescent',(70,40,30),(0.4,0.4,0.4),lambda i,j,k:(((i-30)**2*0.7+(j-18)**2+ (k-14)**2*0.5)<300)&(((i-30)**2*0.7+(j-12)**2+(k-14)**2*0.3)>=240)
    yield 'ellipsoid',(80,64,50),(0.5,0.6,0.9),lambda i,j,k:(((i-39)*0.5*0.8+(j-31)*0.6*0.6)/14)**2+(((j-31)*0.6*0.8-(i-39)*0.5*0.6)/9)**2+(((k-24)*0.9+0.2*(i-39)*0.5)/11)**2<1
    yield 'two parts',(130,6,6),(1,1,1),lambda i,j,k:((i<3)|(i>126))&(j<2+i%3)&(k<3)
rows=[]
for name,size,sp,f in masks():
    k,j,i=np.meshgrid(np.arange(size[2]),np.arange(size[1]),np.arange(size[0]),indexing='ij')
    m=f(i,j,k).astype(np.uint8)
    # to the bounding box, as the extractor does
    w=np.where(m); box=tuple(slice(a.min(),a.max()+1) for a in w)
    im=sitk.GetImageFromArray(m[box]); im.SetSpacing([float(s) for s in sp])
    s=shape.RadiomicsShape(im,im,label=1); s.enableAllFeatures()
    for n in ['Compactness1','Compactness2','SphericalDisproportion']: s.enableFeatureByName(n)
    for n,v in s.execute().items(): rows.append((name,'shape',n,repr(float(v))))
    if m[box].shape[0]==1 or name=='rough ball':
        mid=m[size[2]//2:size[2]//2+1]
        w=np.where(mid); b2=tuple(slice(a.min(),a.max()+1) for a in w)
        im=sitk.GetImageFromArray(mid[b2]); im.SetSpacing([float(s) for s in sp])
        s=shape2D.RadiomicsShape2D(im,im,label=1,force2D=True,force2Ddimension=0); s.enableAllFeatures(); s.enableFeatureByName('SphericalDisproportion')
        for n,v in s.execute().items(): rows.append((name,'shape2D',n,repr(float(v))))
w=csv.writer(open(sys.argv[1],'w'),lineterminator='\n'); w.writerow(['mask','family','feature','value']); w.writerows(rows)
print(radiomics.__version__,len(rows))
